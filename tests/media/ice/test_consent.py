from media.ice.consent import Consent, Verdict


def test_nothing_is_given_before_the_first_check():
    consent = Consent(quiet=6, expiry=20)
    assert not consent.given
    consent.checked(100.0)
    assert consent.given and consent.verdict(106.0) is Verdict.FRESH


def test_silence_is_told_and_then_ends_consent():
    consent = Consent(quiet=6, expiry=20)
    consent.checked(100.0)
    verdicts = [consent.verdict(100.0 + age) for age in (6.1, 20.0, 20.1)]
    assert verdicts == [Verdict.QUIET, Verdict.QUIET, Verdict.EXPIRED]


def test_media_keeps_it_fresh_but_gives_no_consent():
    consent = Consent(quiet=6, expiry=20)
    consent.checked(100.0)
    consent.heard_at = 119.0
    assert consent.verdict(120.0) is Verdict.FRESH and consent.verdict(121.0) is Verdict.EXPIRED
