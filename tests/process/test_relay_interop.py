"""Programs that are not ours on both sides of a link: python3-hl7 (Debian), node-hl7-client and node-hl7-server (npm), openssl s_client and s_server.
usage: test_relay_interop.py TOURNIQUET INTEROP-FOLDER NODE. Whatever is not installed is skipped."""
import asyncio
import os
import re
import shutil
import subprocess
import sys
import threading

import lab
import links

INTEROP, NODE = sys.argv[2:4]
COUNT = 12
try:
    import hl7
except ImportError:
    sys.path.append("/usr/lib/python3/dist-packages")  # Debian's, where another Python comes first
    try:
        import hl7
    except ImportError:
        hl7 = None
if hl7:
    import hl7.client
    import hl7.mllp


def plain(name, port, lis, **more):
    return {"name": name, "listen": f"127.0.0.1:{port}", "forward": f"127.0.0.1:{lis}", "protocol": "mllp", **more}


# ── python3-hl7 ──


class PythonLis:
    """A LIS by python3-hl7."""

    def __init__(self):
        self.port, self.taken = lab.free_port(), []
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        asyncio.run_coroutine_threadsafe(self._listen(), self.loop).result(90)

    async def _listen(self):
        self.server = await hl7.mllp.start_hl7_server(self._serve, host="127.0.0.1", port=self.port)

    async def _serve(self, reader, writer):
        try:
            while True:
                message = await reader.readmessage()
                self.taken.append((str(message["MSH.F10"]), str(message)))
                writer.writemessage(message.create_ack())
                await writer.drain()
        except asyncio.IncompleteReadError:
            writer.close()


def python_hl7(run, port, lis):
    sent, answers = [], []
    with hl7.client.MLLPClient("127.0.0.1", port) as client:
        for i in range(COUNT):
            sent.append(links.message(f"PY{i:06}", value=f"4.{i % 10}").decode())
            answers.append(hl7.parse(client.send_message(sent[-1]).decode().strip("\x0b\x1c\r")))
    lab.ok([(str(a["MSA.F1"]), str(a["MSA.F2"])) for a in answers] == [("AA", f"PY{i:06}") for i in range(COUNT)],
           "python3-hl7's client: each message is answered AA under its own control id", answers)
    lab.ok([c for c, _ in lis.taken] == [f"PY{i:06}" for i in range(COUNT)], "python3-hl7's server took each of them once, in order", lis.taken)
    lab.ok([t.rstrip("\r") for _, t in lis.taken] == [t.rstrip("\r") for t in sent], "byte for byte", lis.taken[:1])
    lab.ok(not [f for f in links.found(run) if f["severity"] not in ("info", "low")], "and nothing above low is found", links.found(run))


# ── npm ──


def node(*arguments):
    return [NODE, *map(str, arguments)]


class NodeLis:
    """A LIS by node-hl7-server."""

    def __init__(self, *certificates):
        self.port = lab.free_port()
        self.process = subprocess.Popen(node("lis.mjs", self.port, *certificates), cwd=INTEROP, stdout=subprocess.PIPE, text=True)
        self.ready = self.process.stdout.readline().strip() == "ready"

    def end(self):
        self.process.terminate()
        return self.process.communicate(timeout=90)[0].splitlines()


def node_analyzer(port, how):
    done = subprocess.run(node("analyzer.mjs", port, COUNT, how), cwd=INTEROP, capture_output=True, text=True, timeout=180, check=False)
    return done.stdout.splitlines(), done.stderr


def node_hl7(python_port, node_port, lis):
    expected = [f"AA JS{i:06}" for i in range(COUNT)]
    said, errors = node_analyzer(python_port, "kept")
    lab.ok(said == expected, "node-hl7-client on one connection: each message is answered AA under its own control id", (said, errors))
    said, errors = node_analyzer(node_port, "each")
    lab.ok(said == expected, "node-hl7-client and node-hl7-server, a connection a message: each is answered", (said, errors))
    taken = lis.end()
    lab.ok(taken == [f"JS{i:06} 4.{i % 10}" for i in range(COUNT)], "node-hl7-server took each of them once, in order, with its value", taken)


# ── openssl ──


def openssl(*arguments):
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, check=True).stdout


def pki(run, *arguments):
    done = subprocess.run([lab.TOURNIQUET, "pki", *map(str, arguments), "--data", run.data], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def enrolled(run, folder, link, side):
    """A certificate of the lab's own authority for the other end of a link: (certificate, key, authority), or None."""
    base = os.path.join(folder, f"{link}-{side}")
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", base + ".key", "-subj", "/CN=localhost", "-out", base + ".csr")
    code = re.search(r'"code":\s*"([^"]+)"', pki(run, "enrol", "--link", link, "--side", side, "--names", "localhost") or "")
    certificate = code and pki(run, "enrol", "--code", code.group(1), base + ".csr")
    authority = pki(run, "export")
    if not certificate or not authority:
        return None
    for name, text in ((base + ".crt", certificate), (base + ".ca", authority)):
        with open(name, "w", encoding="ascii") as f:
            f.write(pem_of(text))
    return base + ".crt", base + ".key", base + ".ca"


def pem_of(text):
    """The certificates in an answer, which may be JSON."""
    return "\n".join(re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", text.replace("\\n", "\n"), re.S)) + "\n"


class OpenSsl:
    """s_client or s_server, with a pipe on each side."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(["openssl", *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)
        self.rest = b""

    def say(self, data):
        try:
            self.process.stdin.write(data)
        except BrokenPipeError:  # it was refused and ended: then no block comes, either
            pass

    def block(self, seconds=60):
        """The next block's content; None where none came."""
        taken = []

        def read():
            while b"\x1c\r" not in self.rest:
                more = os.read(self.process.stdout.fileno(), 65536)
                if not more:
                    return
                self.rest += more
            content, self.rest = self.rest.split(b"\x1c\r", 1)
            taken.append(content[content.index(b"\x0b") + 1:])
        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        reader.join(seconds)
        return taken[0] if taken else None

    def end(self):
        self.process.kill()
        self.process.wait()


def connected(*words):
    """s_client, once its handshake lasts: the link hears of a new authority's certificates a moment later."""
    for _ in range(90):
        client = OpenSsl("s_client", *words)
        try:
            client.process.wait(3)
        except subprocess.TimeoutExpired:
            return client
    return client


def openssl_both(run, folder, port, lis_port):
    pki(run, "init")
    lis_files, analyzer_files = enrolled(run, folder, "sealed", "lis"), enrolled(run, folder, "sealed", "analyzer")
    if not lab.ok(lis_files and analyzer_files, "the lab's authority makes certificates for requests that openssl made", run.said()):
        return
    server = OpenSsl("s_server", "-accept", f"127.0.0.1:{lis_port}", "-cert", lis_files[0], "-key", lis_files[1], "-CAfile", lis_files[2], "-Verify", 2,
                     "-verify_return_error", "-tls1_3", "-quiet")
    client = connected("-connect", f"127.0.0.1:{port}", "-cert", analyzer_files[0], "-key", analyzer_files[1], "-CAfile", analyzer_files[2],
                       "-verify_return_error", "-tls1_3", "-quiet")
    contents = [links.message(f"SSL{i:05}") for i in range(3)]
    taken, answers = [], []
    for content in contents:
        client.say(links.frame(content))
        taken.append(server.block())
        if taken[-1]:
            server.say(links.acknowledge(taken[-1]))
            answer = client.block()
            answers.append(answer and (links.field(answer, "MSA", 1), links.field(answer, "MSA", 2)))
    lab.ok(taken == contents, "s_client to s_server, TLS 1.3 with certificates on all four ends: byte for byte", (taken[:1], run.said()))
    lab.ok(answers == [("AA", f"SSL{i:05}") for i in range(3)], "and the answers come back", answers)
    def shown():
        item = links.link(run, "sealed") or {}
        return all((item.get(side) or {}).get("tls", {}).get("version") in ("1.3", "TLSv1.3") for side in ("analyzer", "lis"))
    lab.ok(lab.wait(shown), "GET /links says so", links.link(run, "sealed"))
    client.end()
    stranger = OpenSsl("s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", analyzer_files[2], "-tls1_3", "-quiet")
    stranger.say(links.frame(links.message("NOCERT")))
    lab.ok(stranger.block(3) is None and server.block(1) is None, "without a certificate nothing passes")
    stranger.end()
    server.end()


def main():
    ports = {n: lab.free_port() for n in ("python", "node", "sealed", "sealed-lis")}
    with lab.Folder() as folder:
        python_lis = PythonLis() if hl7 else None
        has_node = os.path.exists(NODE) and os.path.isdir(os.path.join(INTEROP, "node_modules"))
        node_lis = NodeLis() if has_node else None
        configured = [plain("sealed", ports["sealed"], ports["sealed-lis"], tls={"from": "required", "to": "required", "name": "localhost"})]
        if python_lis:
            configured.append(plain("python", ports["python"], python_lis.port))
        if node_lis:
            configured.append(plain("node", ports["node"], node_lis.port))
        with lab.Run(os.path.join(folder, "data"), more=links.yaml(*configured)) as run:
            lab.ok(links.listening(ports["python" if python_lis else "sealed"]), "the links listen", run.said())
            if python_lis:
                python_hl7(run, ports["python"], python_lis)
            else:
                lab.skip("python3-hl7", "it is not installed")
            if node_lis and python_lis:
                node_hl7(ports["python"], ports["node"], node_lis)
            else:
                lab.skip("node-hl7-client and node-hl7-server", "they are not installed")
            if shutil.which("openssl"):
                openssl_both(run, folder, ports["sealed"], ports["sealed-lis"])
            else:
                lab.skip("openssl s_client and s_server", "openssl is not installed")
        status, line = lab.verify(os.path.join(folder, "data"))
        lab.ok(status == 0, "the ledger verifies", line)


main()
lab.finish()
