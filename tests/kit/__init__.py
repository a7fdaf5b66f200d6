"""What tests share: tones and their proof, real peers (baresip, Chromium), a running gateway, a seeded bad network."""
