"""The messages of RFC 4475 (SIP torture tests), by the names that the RFC gives them.

`VALID` must be understood, `INVALID` refused with that status, `TOLERATED` are the invalid ones that the RFC lets a
liberal reader accept and that we accept on purpose, each with the reason. `APPLICATION` is well-formed; what is wrong
with it is for the layers above the parser to say.
"""

from __future__ import annotations

SDP = """v=0
o=mhandley 29739 7272939 IN IP4 192.0.2.3
s=-
c=IN IP4 192.0.2.4
t=0 0
m=audio 49217 RTP/AVP 0 12
m=video 3227 RTP/AVP 31
a=rtpmap:31 LPC
"""


def wire(text: str, body: str | bytes = b"", length: str | None = "real") -> bytes:
    """A message as sent. `text` has no empty line; `length`: "real" appends a right Content-Length, None nothing."""
    data = body.replace("\n", "\r\n").encode() if isinstance(body, str) else body
    if length is not None:
        text += f"Content-Length: {len(data) if length == 'real' else length}\n"
    return text.replace("\n", "\r\n").encode() + b"\r\n" + data


def invite(headers: str = "", start: str = "INVITE sip:user@example.com SIP/2.0", **change: str) -> str:
    """A plain request; keyword arguments replace a header's value, or drop it with ""."""
    lines = {
        "To": "sip:user@example.com",
        "From": "sip:caller@example.net;tag=8392034",
        "Max-Forwards": "70",
        "Call-ID": "torture.0ha0isndaksdjasdf3234nas",
        "CSeq": "8 INVITE",
        "Via": "SIP/2.0/UDP host.example.com;branch=z9hG4bKkdjuw2395",
        "Contact": "<sip:caller@host.example.net>",
        "Content-Type": "application/sdp",
    } | {name.replace("_", "-"): value for name, value in change.items()}
    return start + "\n" + "".join(f"{name}: {value}\n" for name, value in lines.items() if value) + headers


def options(headers: str = "", start: str = "OPTIONS sip:user@example.com SIP/2.0", **change: str) -> str:
    return invite(headers, start, **({"CSeq": "8 OPTIONS", "Content_Type": "", "Contact": ""} | change))


def register(headers: str = "", start: str = "REGISTER sip:example.com SIP/2.0", **change: str) -> str:
    return invite(headers, start, **({"CSeq": "8 REGISTER", "Content_Type": "", "Contact": ""} | change))


_METHOD = "!interesting-Method0123456789_*+`.%indeed'~"
_WILD_USER = "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"

VALID: dict[str, bytes] = {
    "wsinv": wire(  # 3.1.1.1
        """INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0
TO :
 sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n
from   : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>
  ;
  tag = 98asjd8
MaX-fOrWaRdS: 0068
Call-ID: wsinv.ndaksdj@192.0.2.1
Content-Length   : 150
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /UDP
    192.0.2.2;branch=390skdjuw
s :
NewFangledHeader:   newfangled value
 continued newfangled value
UnknownHeaderWithUnusualValue: ;;,,;;,;
Content-Type: application/sdp
Route:
 <sip:services.example.com;lr;unknownwith=value;unknown-no-value>
v:  SIP  / 2.0  / TCP     spindle.example.com   ;
  branch  =   z9hG4bK9ikj8  ,
 SIP  /    2.0   / UDP  192.168.255.111   ; branch=
 z9hG4bK30239
m:"Quoted string \\"\\"" <sip:jdrosen@example.com> ; newparam =
      newvalue ;
  secondparam ; q = 0.33
""",
        SDP,
        None,
    ),
    "intmeth": wire(  # 3.1.1.2
        f"""{_METHOD} sip:{_WILD_USER}:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0
Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~
To: "BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f" <sip:{_WILD_USER}@example.com>
From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%="работающий";tag=_token~1'+`*%!-.
Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/"][?}}{{
CSeq: 139122385 {_METHOD}
Max-Forwards: 255
extensionHeader-!.%*+_`'~:\ufeff大停電
"""
    ),
    "esc01": wire(  # 3.1.1.3
        invite(
            start="INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0",
            To="sip:%75se%72@example.com",
            From="<sip:I%20have%20spaces@example.net>;tag=938",
            Contact="<sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>",
        ),
        SDP,
    ),
    "escnull": wire(  # 3.1.1.4
        register(
            To="sip:null-%00-null@example.com",
            From="sip:null-%00-null@example.com;tag=839923423",
            Contact="<sip:%00@host5.example.com>\nContact: <sip:%00%00@host5.example.com>",
        )
    ),
    "esc02": wire(  # 3.1.1.5
        invite(
            "C%6Fntact: <sip:alias2@host2.example.com>\nContact: <sip:alias3@host3.example.com>\n",
            start="RE%47IST%45R sip:registrar.example.com SIP/2.0",
            To='"%Z%45" <sip:resource@example.com>',
            From='"%Z%45" <sip:resource@example.com>;tag=f232jadfj23',
            CSeq="29344 RE%47IST%45R",
            Contact="<sip:alias1@host1.example.com>",
            Content_Type="",
        )
    ),
    "lwsdisp": wire(options(From="caller<sip:caller@example.com>;tag=323")),  # 3.1.1.6
    "longreq": wire(  # 3.1.1.7
        invite(
            "Unknown-"
            + "Long" * 20
            + "-Name: unknown-"
            + "long" * 20
            + "-value; unknown-long-parameter="
            + "x" * 900
            + "\n",
            start="INVITE sip:user@example.com SIP/2.0",
            To=f'"I have a user name of {"extreme" * 30} proportion" <sip:user@example.com:6000;unknownparam1=very'
            f"{'long' * 30}value;longparam{'name' * 30}=shortvalue>",
            From=f"sip:{'amazinglylong' * 10}callername@example.net;tag=12{'982424' * 50};"
            f"unknownheaderparam{'name' * 20}=unknown{'value' * 20};unknownValueless{'param' * 20}Name",
            Call_ID="longreq.one" + "really" * 20 + "longcallid",
            Via="SIP/2.0/TCP sip33.example.com\n"
            + "".join(f"v: SIP/2.0/TCP sip{n}.example.com;branch=z9hG4bK{n}\n" for n in range(32))
            + "V: SIP/2.0/TCP host.example.com;branch=very"
            + "long" * 50
            + "branchvalue",
            Contact=f"<sip:{'amazinglylong' * 10}callername@host5.example.net>",
        ),
        SDP,
    ),
    "dblreq": wire(register(), b"INVITE sip:joe@example.com SIP/2.0\r\nt: sip:joe@example.com\r\n", "0"),  # 3.1.1.8
    "semiuri": wire(  # 3.1.1.9
        options(start="OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0", To="sip:j_user@example.com")
    ),
    "transports": wire(  # 3.1.1.10
        options(
            Via="SIP/2.0/UDP t1.example.com;branch=z9hG4bKkdjuw\n"
            "Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKklasjdhf\n"
            "Via: SIP/2.0/TLS t3.example.com;branch=z9hG4bK2980unddj\n"
            "Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en\n"
            "Via: SIP/2.0/TCP t5.example.com;branch=z9hG4bK0a9idfnee"
        )
    ),
    "mpart01": wire(  # 3.1.1.11
        invite(
            start="MESSAGE sip:kumiko@example.org SIP/2.0",
            CSeq="127 MESSAGE",
            Contact="",
            Content_Type="multipart/mixed;boundary=7a9cbec02ceef655\nMIME-Version: 1.0",
        ),
        b"--7a9cbec02ceef655\r\nContent-Type: text/plain\r\n\r\nHello\r\n--7a9cbec02ceef655\r\n"
        b"Content-Type: application/octet-stream\r\n\r\n\x30\x82\x01\x52\x06\x09\x2a\x86\x48\xff\x00\r\n"
        b"--7a9cbec02ceef655--",
    ),
    "unreason": wire(  # 3.1.1.12
        invite(start="SIP/2.0 200 = 2**3 * 5**2 но сто девяносто девять - простое", CSeq="35 INVITE"), SDP
    ),
    "noreason": wire(invite(start="SIP/2.0 100 ", CSeq="35 INVITE", Content_Type="", Contact="")),  # 3.1.1.13
}

# status to answer, and whether it can be answered at all
INVALID: dict[str, tuple[bytes, int, bool]] = {
    "badinv01": (  # 3.1.2.1
        wire(invite(Via="SIP/2.0/UDP 192.0.2.15;;,;,,", Contact='"Joe" <sip:joe@example.org>;;;;'), SDP),
        400,
        True,
    ),
    "clerr": (wire(invite(), SDP, "9999"), 400, True),  # 3.1.2.2
    "ncl": (wire(invite(), SDP, "-999"), 400, True),  # 3.1.2.3
    "scalar02": (  # 3.1.2.4: the CSeq cannot be repeated in any meaningful answer, but copied it can be
        wire(
            register(
                "Expires: 1000000000000000000000000000000000\n",
                CSeq="36893488147419103232 REGISTER",
                Max_Forwards="300",
                Contact="<sip:user@host129.example.com>;expires=280297596632815",
            )
        ),
        400,
        True,
    ),
    "scalarlg": (  # 3.1.2.5: a response, dropped
        wire(
            options(
                'Retry-After: 949302838503028349304023988\nWarning: 1812 overture "In Progress"\n',
                start="SIP/2.0 503 Service Unavailable",
                CSeq="9292394834772304023312 OPTIONS",
            )
        ),
        400,
        False,
    ),
    "quotbal": (wire(invite(To='"Mr. J. User <sip:j.user@example.com>'), SDP), 400, True),  # 3.1.2.6
    "ltgtruri": (wire(invite(start="INVITE <sip:user@example.com> SIP/2.0"), SDP), 400, True),  # 3.1.2.7
    "lwsruri": (wire(invite(start="INVITE sip:user@example.com; lr SIP/2.0"), SDP), 400, True),  # 3.1.2.8
    "lwsstart": (wire(invite(start="INVITE  sip:user@example.com  SIP/2.0"), SDP), 400, True),  # 3.1.2.9
    "trws": (wire(options(start="OPTIONS sip:remote-target@example.com SIP/2.0  ")), 400, True),  # 3.1.2.10
    "escruri": (  # 3.1.2.11
        wire(invite(start="INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0"), SDP),
        400,
        True,
    ),
    "regbadct": (  # 3.1.2.13
        wire(register(Contact="sip:user@example.com?Route=%3Csip:sip.example.com%3E")),
        400,
        True,
    ),
    "badvers": (wire(options(start="OPTIONS sip:t.watson@example.org SIP/7.0")), 505, True),  # 3.1.2.16
    "mismatch01": (wire(options(CSeq="8 INVITE")), 400, True),  # 3.1.2.17
    "mismatch02": (  # 3.1.2.18
        wire(options(start="NEWMETHOD sip:user@example.com SIP/2.0", CSeq="8 INVITE")),
        400,
        True,
    ),
    "bigcode": (wire(options(start="SIP/2.0 4294967301 better not break the receiver")), 400, False),  # 3.1.2.19
    "insuf": (wire(invite(To="", From="", Call_ID="", Max_Forwards=""), SDP), 400, False),  # 3.3.1
    "multi01": (  # 3.3.8
        wire(
            invite(
                "Call-ID: multi01.98asdh@192.0.2.2\nFrom: sip:caller2@example.net;tag=97\n"
                "To: sip:user2@example.com\nCSeq: 59 INVITE\nMax-Forwards: 5\n"
            ),
            SDP,
        ),
        400,
        True,
    ),
    "mcl01": (wire(options("Content-Length: 13\nContent-Length: 5\n"), b"There's no way", None), 400, True),  # 3.3.9
}

TOLERATED: dict[str, tuple[bytes, str]] = {
    "baddate": (wire(invite("Date: Fri, 01 Jan 2010 16:00:00 EST\n"), SDP), "3.1.2.12: nobody here reads Date"),
    "badaspec": (
        wire(options(To='"Watson, Thomas" < sip:t.watson@example.org >')),
        "3.1.2.14: spaces inside the brackets have one meaning only",
    ),
    "baddn": (
        wire(options(From="Bell, Alexander <sip:a.g.bell@example.com>;tag=43")),
        "3.1.2.15: From is never a list, so the comma belongs to the name",
    ),
}

APPLICATION: dict[str, bytes] = {
    "badbranch": wire(options(Via="SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK")),  # 3.2.1
    "unkscm": wire(options(start="OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0")),  # 3.3.2
    "novelsc": wire(options(start="OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0")),  # 3.3.3
    "unksm2": wire(  # 3.3.4
        register(To="isbn:2983792873", From="<http://www.example.com>;tag=3234233", Contact="<name:John_Smith>")
    ),
    "bext01": wire(options("Require: nothingSupportsThis, nothingSupportsThisEither\n")),  # 3.3.5
    "invut": wire(invite(Content_Type="application/unknownformat"), b'<audio> <pcmu port="443"/> </audio>'),  # 3.3.6
    "regaut01": wire(register("Authorization: NoOneKnowsThisScheme opaque-data=here\n")),  # 3.3.7
    "bcast": wire(  # 3.3.10
        invite(
            start="SIP/2.0 200 OK",
            Via="SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923\n"
            "Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23",
        ),
        SDP,
    ),
    "zeromf": wire(options(Max_Forwards="0")),  # 3.3.11
    "cparam01": wire(register(Contact="sip:+19725552222@gw1.example.net;unknownparam")),  # 3.3.12
    "cparam02": wire(register(Contact="<sip:+19725552222@gw1.example.net;unknownparam>")),  # 3.3.13
    "regescrt": wire(register(Contact="<sip:user@example.com?Route=%3Csip:sip.example.com%3E>")),  # 3.3.14
    "sdp01": wire(invite("Accept: text/nobodyKnowsThis\n"), SDP),  # 3.3.15
    "inv2543": wire(  # 3.4.1: of RFC 2543, without branch, tag and Max-Forwards
        invite(
            Via="SIP/2.0/UDP iftgw.example.com",
            From="<sip:+12065551111@iftgw.example.com>",
            To="<sip:+12065552222@ss1.pbx.example.com;user=phone>",
            Max_Forwards="",
            Contact="",
        ),
        SDP,
        None,
    ),
}
