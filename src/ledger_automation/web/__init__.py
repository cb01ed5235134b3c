"""Pages for people: server-rendered, in German, English and easy language; a script for signing alone.

    routes     which page stands where, and for whom
    public     for everybody, and for whoever has a letter of the office: no cookie
    visits     signing in and out, and pages that are for some roles only
    account    who somebody is here, and his passkeys
    cases      what waits for somebody, and a case as it stands
    steps      taking a step by a form; `forms` makes it of the law's own types, `posted` reads it
    signing    a contract's step, drafted, shown and signed with a passkey; `webauthn` holds what comes back against it
    site       what pages need of the service, and errors in words
    pages      templates become answers: language, policy of the page, KERN's style sheet
    words      what all that the laws name is called, one module a law
    figures    amounts, rates, days and findings in the reader's language
    finance    the finance office's list of grants and the account of one; `finance_files`: what it takes along
    templates  Jinja2; every text in them is German and is translated by `locales`
    locales    gettext catalogues; a test fails where a text has no translation
    static     KERN as npm brings it, compressed, and the little that is ours, with the one script

What this does not do: it decides nothing. A step that is posted becomes what a request of the API becomes, and the same
desk decides it.
"""
