"""HL7 in the sets, frames and pieces that senders use, through the program: tokens, and what must not come out. Prints TAP. Usage: test_hl7.py TOURNIQUET"""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import capture  # noqa: E402

PROGRAM = sys.argv[1]
FOLDER = tempfile.mkdtemp(prefix="tq-hl7-")
KEY = os.path.join(FOLDER, "key")
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def sense(flows, *arguments):
    """flows: rows of (0 or 1, bytes), one row a conversation."""
    out = capture.Capture()
    for i, turns in enumerate(flows):
        out.conversation("10.0.5.%d" % (10 + i), 40000 + i, "10.0.5.2", 2575, turns)
    file = os.path.join(FOLDER, "x.pcap")
    with open(file, "wb") as f:
        f.write(out.bytes())
    run = subprocess.run([PROGRAM, "sense", "--token-key", KEY, *arguments, file], capture_output=True, timeout=120, check=True)
    return run.stdout, [json.loads(line) for line in run.stdout.splitlines()]


def block(message):
    return b"\x0b" + message + b"\x1c\r"


def result(name, said, codec, field=None):
    field = name if field is None else field
    text = "MSH|^~\\&|AN|LAB|LIS|H|20260302080000||ORU^R01|1|P|2.5.1||||||%s\rPID|||Ü-%s||%s\rSPM|1|Ö1\rOBR|1|O1||P\rOBX|1|NM|T^%s||1|µg|||||F\r" % (said, name, name, field)
    latin = codec in ("latin-1", "iso8859-15", "cp1252", "utf-8")
    return (text if latin else text.replace("Ü", "U").replace("Ö", "O").replace("µ", "u")).encode(codec)


SETS = [("8859/1", "latin-1"), ("8859/15", "iso8859-15"), ("UNICODE UTF-8", "utf-8"), ("", "utf-8"), ("ASCII", "latin-1"), ("8859/1", "utf-8"), ("windows-1252", "cp1252"), ("", "latin-1")]


@test
def one_person_has_one_token_in_every_character_set():
    out, events = sense([[(0, block(result("Strauß", said, codec, field="Natrium ß")))] for said, codec in SETS])
    results = [e for e in events if e["event"] == "lab.result"]
    assert len(results) == len(SETS), out
    same = {json.dumps([r["patient"], r["specimen"], r["test"], r["units"], r["value_digest"]]) for r in results}
    assert len(same) == 1, same
    assert results[0]["test"]["text"] == "Natrium ß" and results[0]["units"] == "µg"
    read = [e.get("charset_read") for e in events if e["event"] == "lab.message"]
    assert read == [None, None, None, "UTF-8", "ISO 8859-1", "UTF-8", None, "ISO 8859-1"], read


@test
def no_name_gets_out_in_any_character_set():
    """The name stands in a field that is shown, in another form than in PID: escaped, switched, in hexadecimal."""
    rows = [result("Strauß", said, codec) for said, codec in SETS]
    rows += [
        result("Иванов", "8859/5", "iso8859-5"),
        result("Иванов", "windows-1251", "cp1251"),
        result("山田太郎", "UNICODE UTF-8~ISO IR87", "utf-8"),
        result("小明大夫", "GB 18030-2000", "gb18030"),
        result("김철수박", "KS X 1001", "euc-kr"),
        result("小明大夫", "BIG-5", "big5"),
        result("Strauß", "8859/1", "latin-1", field="Strau\\XDF\\"),
        result("Strauß", "", "utf-8", field="Strau\\XC39F\\ x"),
        result("Müller", "8859/1", "latin-1").replace("^Müller".encode("latin-1"), b"^M\\XFC\\ller"),
        b"MSH|^~\\&|AN|LAB|LIS|H|2026||ORU^R01|1|P|2.5.1||||||8859/1\rPID|||1||M\\XFC\\ller\rOBX|1|NM|T^M\xfcller||1\r",
        b"MSH|^~\\&|AN|LAB|LIS|H|2026||ORU^R01|1|P|2.5.1||||||~ISO IR87\rPID|||1||\x1b$B;3EDB@O:\x1b(B\rOBX|1|NM|T^\\M2442\\;3EDB@O:\\C2842\\||1\r",
        b"MSH|^~\\&|AN|LAB|LIS|H|2026||ORU^R01|1|P|2.5.1\rPID|||1||O\\T\\Hara-Smith\rOBX|1|NM|T^O\\T\\Hara-Smith||1\r",
    ]
    out, events = sense([[(0, block(row))] for row in rows])
    text = out.decode()
    for name in ("Strauß", "Иванов", "山田", "小明", "김철", "Müller", "Hara", "StrauÃ", "MÃ¼ller"):
        assert name not in text, (name, [line for line in text.splitlines() if name in line][:2])
    results = [e for e in events if e["event"] == "lab.result"]
    assert len(results) == len(rows) and all(r["test"]["text"].startswith("T-") for r in results), [r["test"] for r in results]


@test
def http_carries_messages():
    body = result("Strauß", "UNICODE UTF-8", "utf-8", field="x")
    ack = b"MSH|^~\\&|LIS|H|AN|LAB|2026||ACK^R01|2|P|2.5.1\rMSA|AA|1\r"
    head = b"POST /lis HTTP/1.1\r\nHost: lis\r\nContent-Type: application/hl7-v2; charset=utf-8\r\nContent-Length: %d\r\n\r\n" % len(body)
    back = b"HTTP/1.1 200 OK\r\nContent-Type: application/hl7-v2\r\nContent-Length: %d\r\n\r\n" % len(ack)
    out, events = sense([[(0, head + body), (1, back + ack), (0, head + body), (1, back + ack)], [(0, b"GET / HTTP/1.1\r\n\r\n"), (1, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")]])
    messages = [e for e in events if e["event"] == "lab.message"]
    assert [m["type"] for m in messages] == ["ORU^R01", "ACK", "ORU^R01", "ACK"], messages
    assert messages[1]["ack"] == {"code": "AA", "for": "1"} and all(m["malformed"] is None for m in messages)
    assert {e["app"] for e in events if e["event"] == "flow.closed"} == {"http"}
    assert {e["kind"] for e in events if e["event"] == "finding"} == {"phi.cleartext"}
    assert "Strau" not in out.decode()


@test
def documents_are_sized_and_never_shown():
    pdf = b"%PDF-1.4\n" + b"Secret words of a report. " * 4000
    message = b"MSH|^~\\&|AN|LAB|LIS|H|2026||ORU^R01|1|P|2.5.1\rPID|||1||x\rOBX|1|ED|R||AN^application^pdf^Base64^" + base64.b64encode(pdf) + b"\r"
    out, events = sense([[(0, block(message))]])
    (one,) = [e for e in events if e["event"] == "lab.result"]
    assert one["document"] == {"type": "pdf", "declared": "pdf", "bytes": len(pdf)}, one
    assert base64.b64encode(pdf)[:24] not in out and len(out) < 4000


def main():
    with open(KEY, "w", encoding="ascii") as f:
        f.write("5a" * 32)
    os.chmod(KEY, 0o600)
    print("1..%d" % len(TESTS))
    failed = 0
    for i, function in enumerate(TESTS, 1):
        name = function.__name__.replace("_", " ")
        try:
            function()
            print("ok %d - %s" % (i, name))
        except Exception as why:  # every failure is reported, and the rest is run
            failed += 1
            print("not ok %d - %s" % (i, name))
            for line in ("%s: %s" % (type(why).__name__, why)).splitlines()[:20]:
                print("# " + line[:2000])
    shutil.rmtree(FOLDER)
    return 1 if failed else 0


sys.exit(main())
