"""Both halves of an RTP stream: `Outgoing` builds packets, `Incoming` makes sense of them."""

from media.rtp.incoming import Incoming
from media.rtp.outgoing import Outgoing

__all__ = ["Incoming", "Outgoing"]
