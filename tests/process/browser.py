"""One person at the page, as a program: HTTPS with the site's own authority, a cookie, a CSRF token. And a mail server that keeps what it takes."""
import email
import email.policy
import http.client
import json
import os
import re
import ssl
import sys
import time

import lab

sys.path.append("/usr/lib/python3/dist-packages")  # Debian's packages, whichever Python this is
try:
    from aiosmtpd.controller import Controller
except ImportError:
    Controller = None

COOKIE = "__Host-tourniquet"
PASSWORD = "seven grey herons wade"


class Browser:
    def __init__(self, run, language=None):
        self.tls = ssl.create_default_context(cafile=os.path.join(run.data, "authority.pem"))
        self.port = run.port
        self.language = language
        self.origin = f"https://localhost:{run.port}"
        self.cookie = self.csrf = None

    def ask(self, method, path, body=None, match=None, bearer=None, proof=None, kind="application/json"):
        """Status and answer. body: bytes go as they are; match: an ETag; bearer: an API token in place of the session."""
        sent = {"Content-Type": kind} if body is not None else {}
        if self.language:
            sent["Accept-Language"] = self.language
        if match is not None:
            sent["If-Match"] = f'"{match}"'
        if proof:
            sent["X-Proof"] = proof
        if bearer:
            sent["Authorization"] = f"Bearer {bearer}"
        elif self.cookie:
            sent.update({"Cookie": f"{COOKIE}={self.cookie}", "X-CSRF": self.csrf or ""})
        c = http.client.HTTPSConnection("localhost", self.port, context=self.tls, timeout=60)
        try:
            c.request(method, "/api/v1" + path, body if body is None or isinstance(body, bytes) else json.dumps(body), sent)
            answer = c.getresponse()
            raw = answer.read()
            cookie = answer.getheader("set-cookie", "")
        finally:
            c.close()
        data = json.loads(raw) if raw[:1] in (b"{", b"[") else {"text": raw}
        if answer.status in (200, 201) and cookie.startswith(COOKIE + "=") and "csrf" in data:
            self.cookie, self.csrf = cookie.split(";")[0].split("=", 1)[1], data["csrf"]
        return answer.status, data


def set_up(run, language=None):
    """The first administrator, ada, signed in."""
    code = lab.wait(lambda: re.search(r"\b[0-9A-Z]{5}-[0-9A-Z]{5}\b", run.said()))[0]
    ada = Browser(run, language)
    status, _ = ada.ask("POST", "/setup", {"code": code, "name": "ada", "display_name": "Ada", "password": PASSWORD})
    lab.ok(status == 201, "the first administrator is made", status)
    return ada


class Box:
    """What a mail server takes: (to, mail, its text, when)."""

    def __init__(self):
        self.mails = []
        self.raw = {}
        self.refuse = None

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address == self.refuse:
            return "550 no such person here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.mails.append((envelope.rcpt_tos[0], mail, mail.get_body().get_content(), time.monotonic()))
        self.raw[envelope.rcpt_tos[0]] = envelope.original_content
        return "250 taken"
