"""Pages for people: server-rendered, without scripts and cookies, in German, English and easy language.

    routes     which page stands where, what it asks, what it shows
    pages      templates become answers: language, policy of the page, KERN's style sheet
    words      what all that the laws name is called, one module a law
    templates  Jinja2; every text in them is German and is translated by `locales`
    locales    gettext catalogues; a test fails where a text has no translation
    static     KERN as npm brings it, compressed, and the little that is ours

What this does not do: it decides nothing, and knows nobody who signed in. What it shows is for everybody (the log), or
for whoever has a letter of the office (one case, by its access code).
"""
