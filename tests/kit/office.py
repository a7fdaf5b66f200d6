"""The configuration most tests run: three users, the four applications, everything on loopback."""

OFFICE = """\
[server]
port = {http}

[sip]
port = {sip}
domains = ["127.0.0.1"]

[media]
webrtc_port = 0

[calls]
ring_timeout = 4
media_timeout = 5

[[users]]
name = "alice"
password = "alice-secret"
extension = "101"
display = "Alice"

[[users]]
name = "bob"
password = "bob-secret"
extension = "102"
display = "Bob"

[[users]]
name = "carol"
password = "carol-secret"
extension = "103"
display = "Carol"

[[routes]]
match = "600"
to = ["app:echo"]

[[routes]]
match = "601"
to = ["app:tones"]

[[routes]]
match = "602"
to = ["app:music"]

[[routes]]
match = "603"
to = ["app:record"]
"""
