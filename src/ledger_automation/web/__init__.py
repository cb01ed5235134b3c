"""Pages for people: server-rendered, without scripts and cookies, in German, English and easy language.

    routes     which page stands where, what it asks, what it shows
    pages      templates become answers: language, policy of the page, KERN's style sheet
    words      what steps, states and findings are called
    figures    amounts, rates, days and findings in the reader's language
    finance    the finance office's list of grants and the account of one; `finance_files`: what it takes along
    templates  Jinja2; every text in them is German and is translated by `locales`
    locales    gettext catalogues; a test fails where a text has no translation
    static     KERN as npm brings it, compressed, and the little that is ours

What this does not do: it decides nothing, and knows nobody who signed in. What it shows is for everybody (the log), or
for whoever has a letter of the office (one case, by its access code).
"""
