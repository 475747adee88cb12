def test_all(tap, build): pass
