"""Ways to sign in, against the real program over HTTPS: a passkey (its keys by the openssl command) through restarts and rebuilt views, acts that it signs each for
itself, codes of an app, two people who let a third in again; and that no secret of these lies anywhere in clear."""
import base64
import hashlib
import hmac
import json
import os
import re
import shutil
import struct
import subprocess
import time

import browser
import lab

PASSWORD = "seven grey herons wade on"
OTHER = "eleven purple centrifuges spin"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Key:
    """An authenticator that can say anything. Its private key is a file of openssl's."""

    def __init__(self, folder, name):
        self.file = os.path.join(folder, name + ".pem")
        self.id = hashlib.sha256(name.encode()).digest()
        self.counter = 0
        subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.file], check=True)
        point = subprocess.run(["openssl", "ec", "-in", self.file, "-pubout", "-outform", "DER"], capture_output=True, check=True).stdout[-64:]
        self.cose = bytes.fromhex("a5010203262001215820") + point[:32] + bytes.fromhex("225820") + point[32:]

    def client(self, kind, challenge, origin):
        return json.dumps({"type": kind, "challenge": b64(challenge), "origin": origin, "crossOrigin": False}).encode()

    def head(self, flags):
        return hashlib.sha256(b"localhost").digest() + bytes([flags]) + struct.pack(">I", self.counter)

    def make(self, challenge, origin):
        client = self.client("webauthn.create", challenge, origin)
        data = self.head(0x45) + bytes(16) + struct.pack(">H", len(self.id)) + self.id + self.cose
        attestation = bytes.fromhex("a363666d74646e6f6e656761747453746d74a0686175746844617461") + b"\x58" + bytes([len(data)]) + data
        return {"client": b64(client), "attestation": b64(attestation)}

    def answer(self, challenge, origin, flags=5):
        self.counter += 1
        client, data = self.client("webauthn.get", challenge, origin), self.head(flags)
        signed = data + hashlib.sha256(client).digest()
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.file], input=signed, capture_output=True, check=True).stdout
        return {"id": b64(self.id), "data": b64(data), "client": b64(client), "signature": b64(signature)}


class Browser(browser.Browser):
    def sign_in(self, key, origin=None, flags=5):
        wish = self.ask("POST", "/session/passkey/options", {})[1]
        return self.ask("POST", "/session/passkey", key.answer(unb64(wish["challenge"]), origin or self.origin, flags))

    def by_password(self, name, password, **more):
        return self.ask("POST", "/session", {"name": name, "password": password, **more})

    def proof(self, key, method, path, body):
        """X-Proof for exactly this request."""
        nonce = unb64(self.ask("POST", "/session/proof", {})[1]["nonce"])
        request = f"{method}\n/api/v1{path}\n\n".encode()
        challenge = hashlib.sha256(b"tourniquet proof v1\n" + nonce + request + hashlib.sha256(body).digest()).digest()
        said = key.answer(challenge, self.origin)
        return ".".join([b64(nonce), said["id"], said["data"], said["client"], said["signature"]])

    def add(self, key, name, password):
        status, wish = self.ask("POST", "/passkeys/options", {"password": password})
        return (status, wish) if status != 200 else self.ask("POST", "/passkeys", {"name": name, **key.make(unb64(wish["challenge"]), self.origin)})


def code(secret, step):
    mac = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), "sha1").digest()
    at = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7fffffff) % 1000000:06d}"


def step():
    return int(time.time()) // 30


def local(data, method, path, body):
    done = subprocess.run([lab.TOURNIQUET, "api", "--data", data, method, path, "-d", json.dumps(body)], capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout or "{}")


with lab.Folder() as scratch:
    data = os.path.join(scratch, "data")
    phone, ring, fresh = (Key(scratch, name) for name in ("phone", "ring", "fresh"))
    with lab.Run(data) as run:
        lab.ok(lab.wait(lambda: "set-up code" in run.said() and run.api("/api/v1/sensor") is not None), "it starts", run.said())
        setup = re.search(r"\b[0-9A-Z]{5}-[0-9A-Z]{5}\b", run.said())[0]
        ana = Browser(run)
        status, told = ana.ask("POST", "/setup", {"code": setup, "name": "ana", "password": PASSWORD})
        lab.ok(status == 201 and told["sign_in"] == {"passkeys": 0, "app": False, "withheld": False}, "the first account, without passkeys", told)
        status, told = ana.add(phone, "Phone", PASSWORD)
        lab.ok(status == 201 and [p["name"] for p in told["passkeys"]] == ["Phone"], "a passkey is added", told)
        status, told = Browser(run).sign_in(phone, origin="https://localhost:1")
        lab.ok(status == 401 and told["code"] == "passkey-origin", "another port is another page", told)
        status, told = Browser(run).sign_in(phone, flags=1)
        lab.ok(status == 401 and told["code"] == "passkey-unverified", "a touch by nobody in particular is not enough", told)
        other = Browser(run)
        status, told = other.sign_in(phone)
        lab.ok(status == 200 and told["person"]["name"] == "ana", "it signs its owner in, who typed nothing", told)

        invite = json.dumps({"name": "ben", "role": "IT", "why": "he looks after the network"}).encode()
        status, told = ana.ask("POST", "/people", invite)
        lab.ok(status == 403 and told["code"] == "password", "a grant wants a fresh proof", told)
        proof = ana.proof(phone, "POST", "/people", invite)
        status, told = ana.ask("POST", "/people", invite.replace(b"IT", b"lab manager"), proof=proof)
        lab.ok(status == 403 and told["code"] == "passkey-challenge", "a proof is of no other body", told)
        status, told = ana.ask("POST", "/people", invite, proof=proof)
        lab.ok(status == 201, "it is good for its own", told)
        bens = told.get("code", "")
        wanted = json.dumps({"label": "display on the wall", "scopes": "today.read"}).encode()
        proof = ana.proof(phone, "POST", "/tokens", wanted)
        first, (status, told) = ana.ask("POST", "/tokens", wanted, proof=proof)[0], ana.ask("POST", "/tokens", wanted, proof=proof)
        lab.ok(first == 201 and status == 403 and told["code"] == "passkey-challenge", "once", (first, told))
        status, told = other.ask("POST", "/tokens", wanted, proof=ana.proof(phone, "POST", "/tokens", wanted))
        lab.ok(status == 403 and told["code"] == "passkey-challenge", "and of no other session", told)
        done, told = local(data, "POST", "/api/v1/people", {"name": "mia", "role": "lab manager", "why": "she leads the lab too"})
        lab.ok(done == 0 and told.get("code"), "at the local socket nobody is asked", told)
        mias = told.get("code", "")
        ben, mia = Browser(run), Browser(run)
        lab.ok(ben.ask("POST", "/invitation", {"name": "ben", "code": bens, "password": OTHER})[0] == 200
               and mia.ask("POST", "/invitation", {"name": "mia", "code": mias, "password": OTHER})[0] == 200, "two more people")

        wish = ben.ask("POST", "/totp/options", {"password": OTHER})[1]
        secret = wish["secret"]
        first = code(secret, step())
        status, told = ben.ask("POST", "/totp", {"secret": secret, "token": wish["token"], "code": first})
        lab.ok(status == 200 and told["app_since"], "an app with codes", told)
        status, told = Browser(run).by_password("ben", OTHER)
        lab.ok(status == 401 and told["code"] == "code-needed", "from now on the password needs its code", told)

    shutil.rmtree(os.path.join(data, "store"))
    with lab.Run(data) as run:
        lab.ok(run.wait_api() is not None, "started again, with views that are made anew from the ledger", run.said())
        status, told = Browser(run).by_password("ben", OTHER, code=first)
        lab.ok(status == 401 and told["code"] == "wrong-code", "a code that was used before is used still", told)
        ben = Browser(run)
        status, told = ben.by_password("ben", OTHER, code=code(secret, step() + 1))
        lab.ok(status == 200, "the next one is good: the secret was kept, sealed", told)
        clone = Key.__new__(Key)
        clone.__dict__.update(phone.__dict__)
        clone.counter = 0
        ana = Browser(run)
        status, told = ana.sign_in(phone)
        lab.ok(status == 200, "the passkey signs in as before", told)
        status, told = ana.add(ring, "Ring", PASSWORD)
        lab.ok(status == 201 and len(told["passkeys"]) == 2, "a second one", told)
        status, told = Browser(run).sign_in(clone)
        lab.ok(status == 401 and told["code"] == "passkey-cloned", "a copy is found out, though the program was started anew", told)
        status, told = Browser(run).sign_in(phone)
        lab.ok(status == 401 and told["code"] == "passkey-unknown", "then neither is taken", told)
        lab.ok(Browser(run).sign_in(ring)[0] == 200, "the other key is")
        found = run.api("/api/v1/findings?kind=access.passkey_cloned")["items"]
        lab.ok(len(found) == 1 and found[0]["severity"] == "high", "and it is a finding", found)

        mia = Browser(run)
        lab.ok(mia.by_password("mia", OTHER)[0] == 200, "a manager is signed in")
        status, told = mia.ask("POST", "/recoveries", {"account": "ana", "why": "her bag was stolen, I saw her", "password": OTHER})
        lab.ok(status == 201, "she asks that somebody be let in again", told)
        path = f"/recoveries/{told['items'][0]['id']}/approve"
        status, told = mia.ask("POST", path, {"password": OTHER})
        lab.ok(status == 403 and told["code"] == "second-person", "and cannot approve it herself", told)
        status, told = ben.ask("POST", path, {"password": OTHER})
        lab.ok(status == 200, "another person can", told)
        letin = told["code"]
        back = Browser(run)
        wish = back.ask("POST", "/recovery/options", {"name": "ana", "code": letin})[1]
        status, told = back.ask("POST", "/recovery", {"name": "ana", "code": letin.lower(), "label": "New phone", **fresh.make(unb64(wish["challenge"]), back.origin)})
        lab.ok(status == 201 and told["sign_in"]["passkeys"] == 1, "the code makes a new passkey, and signs in", told)
        lab.ok(ana.ask("GET", "/session")[0] == 401, "her old sessions have ended")
        lab.ok(Browser(run).sign_in(ring)[1].get("code") == "passkey-unknown" and Browser(run).sign_in(fresh)[0] == 200, "old keys open nothing, the new one does")
        lab.ok(back.ask("POST", "/recovery", {"name": "ana", "code": letin, "password": PASSWORD})[0] == 401, "the code is good once")
        said = run.said()

    lab.ok(not lab.holding(scratch, secret.encode()) and secret not in said, "the app's secret lies nowhere in clear", lab.holding(scratch, secret.encode()))
    plain = letin.replace("-", "").encode()
    lab.ok(not lab.holding(scratch, letin.encode()) and not lab.holding(scratch, plain) and letin not in said, "nor does the code of the recovery")
    code_, line = lab.verify(data)
    lab.ok(code_ == 0, "the ledger holds", line)

lab.finish()
