"""Which devices may be there, by the whole program: who waits, one word and many, what a restart remembers, the list for RADIUS and a device's certificate. With Debian's
FreeRADIUS and eapol_test, where they are: the list is read, an address is let in or not, a certificate is let in until its device is refused."""
import json
import os
import shutil
import subprocess

import lab

ANALYZER = "10.20.20.104"


def device(run, *arguments, code=0):
    done = subprocess.run([lab.TOURNIQUET, "device", *arguments, "--data", run.data], capture_output=True, text=True, check=False)
    if done.returncode != code:
        return None
    text = done.stdout if code == 0 else done.stderr
    return json.loads(text) if text.startswith("{") else text


def api(run, method, path, body=None):
    command = [lab.TOURNIQUET, "api", "--data", run.data, method, path] + (["-d", "-"] if body is not None else [])
    done = subprocess.run(command, input=None if body is None else json.dumps(body), capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout


def at(run, ip):
    return next((d for d in run.api("/api/v1/devices?limit=200")["items"] if ip in d["ip"]), None)


def check_words(run):
    waiting = device(run, "list", "--admission", "waiting")
    lab.ok(waiting is not None and waiting["total"] >= 5, "who is on the analyzers' network waits for somebody", waiting and waiting["total"])
    today = run.api("/api/v1/today")
    lab.ok(today["counts"]["devices_waiting"] == waiting["total"] and "to vouch for" in today["sentence"], "Today says so", today["sentence"])
    lab.ok(device(run, "vouch", ANALYZER, code=2) is not None, "no word without a reason")
    vouched = device(run, "vouch", ANALYZER, "--why", "ours since March")
    lab.ok(vouched is not None and vouched["admission"] == "vouched" and vouched["admitted"]["why"] == "ours since March", "a device is vouched for by its address", vouched)
    lab.ok(device(run, "vouch", ANALYZER, "--why", "again", code=2) is not None, "not twice")
    lab.ok(device(run, "list", "--admission", "waiting")["total"] == waiting["total"] - 1, "one waits less")
    refused = device(run, "refuse", "10.20.10.70", "--why", "nobody's")
    lab.ok(refused is not None and refused["admission"] == "refused", "another is refused", refused)
    preview = device(run, "learnt")
    lab.ok(preview is not None and preview["total"] == waiting["total"] - 2 and len(preview["items"]) == preview["total"], "the others are listed before they are vouched for", preview)
    done = device(run, "learnt", "--apply", preview["token"], "--why", "counted on the floor")
    lab.ok(done is not None and done["saved"] == preview["total"], "all of them in one go", done)
    lab.ok(device(run, "learnt", "--apply", preview["token"], "--why", "again", code=2) is not None, "a preview is good once")
    lab.ok(run.api("/api/v1/today")["counts"]["devices_waiting"] == 0, "nobody waits any more")


def macs(text):
    return [line.split()[0] for line in text.splitlines() if line and line[0] not in "# \t"]


# ── FreeRADIUS ──

CONFIG = """
name = freeradius
confdir = {base}
logdir = {base}
run_dir = {base}
pidfile = {base}/pid
max_requests = 256
security {{ }}
client local {{
    ipaddr = 127.0.0.1
    secret = testing
    require_message_authenticator = no
}}
modules {{
    files {{
        filename = {base}/authorize
    }}
    pap {{ }}
    eap {{
        default_eap_type = tls
        tls-config tls-common {{
            private_key_file = {base}/radius.key
            certificate_file = {base}/radius.pem
            ca_file = {base}/devices.pem
            check_crl = yes
        }}
        tls {{
            tls = tls-common
        }}
    }}
}}
server default {{
    listen {{
        type = auth
        ipaddr = 127.0.0.1
        port = {port}
    }}
    authorize {{
        eap {{
            ok = return
        }}
        files
        pap
    }}
    authenticate {{
        Auth-Type PAP {{
            pap
        }}
        eap
    }}
}}
"""


class Radius:
    """freeradius in the foreground, with what is there now."""

    def __init__(self, base):
        self.base, self.port = base, lab.free_port()
        with open(os.path.join(base, "radiusd.conf"), "w", encoding="utf-8") as f:
            f.write(CONFIG.format(base=base, port=self.port))

    def parses(self):
        done = subprocess.run(["freeradius", "-XC", "-d", self.base, "-n", "radiusd"], capture_output=True, text=True, check=False)
        return done.returncode == 0, done.stdout[-2000:] + done.stderr[-500:]

    def __enter__(self):
        self.log = open(os.path.join(self.base, "log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(["freeradius", "-X", "-d", self.base, "-n", "radiusd"], stdout=self.log, stderr=self.log)
        lab.wait(lambda: "Ready to process requests" in self.said() or self.process.poll() is not None)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.close()

    def said(self):
        with open(self.log.name, encoding="utf-8") as f:
            return f.read()

    def mac(self, name):
        request = f'User-Name = "{name}", User-Password = "{name}", Service-Type = Call-Check'
        done = subprocess.run(["radclient", "-x", f"127.0.0.1:{self.port}", "auth", "testing"], input=request, capture_output=True, text=True, check=False)
        return "Access-Accept" in done.stdout

    def tls(self, key, pem):
        path = os.path.join(self.base, "eapol.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(f'network={{\n key_mgmt=IEEE8021X\n eap=TLS\n identity="device"\n ca_cert="{self.base}/radius.pem"\n client_cert="{pem}"\n private_key="{key}"\n}}\n')
        done = subprocess.run(["eapol_test", "-c", path, "-a", "127.0.0.1", "-p", str(self.port), "-s", "testing", "-t", "60"], capture_output=True, text=True, check=False)
        return done.returncode == 0, done.stdout[-1500:]


def devices_pem(run, base):
    with open(os.path.join(base, "devices.pem"), "w", encoding="utf-8") as f:
        f.write(api(run, "GET", "/api/v1/pki/authority") + "\n" + api(run, "GET", "/api/v1/pki/crl"))


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False).stdout


def certificate(run, base):
    """As a colleague gets it: key, certificate."""
    one = at(run, ANALYZER)
    other = at(run, "10.20.10.70")
    refused = api(run, "POST", "/api/v1/enrolments", {"device": other["id"], "why": "for the switch"})
    lab.ok("code" not in refused or refused.get("code") == "not-vouched", "a device that nobody vouches for gets none", refused)
    made = api(run, "POST", "/api/v1/enrolments", {"device": one["id"], "why": "for the switch"})
    lab.ok(made.get("known") is True and len(made.get("code", "")) > 10, "one that was vouched for gets a code", made)
    key, csr, pem = (os.path.join(base, n) for n in ("device.key", "device.csr", "device.pem"))
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-subj", "/CN=" + ANALYZER, "-out", csr)
    done = subprocess.run([lab.TOURNIQUET, "pki", "enrol", "--code", made["code"], csr, "--data", run.data], capture_output=True, text=True, check=False)
    with open(pem, "w", encoding="utf-8") as f:
        f.write(done.stdout)
    text = openssl("x509", "-in", pem, "-noout", "-text")
    lab.ok(f"URI:tourniquet:device/{one['id']}" in text and f"IP Address:{ANALYZER}" in text and "TLS Web Client Authentication" in text, "the certificate names the device", text or done.stderr)
    item = next((c for c in run.api("/api/v1/certificates")["items"] if c["device"] == one["id"]), None)
    lab.ok(item is not None and item["state"] == "in-force" and item["for"] == "device " + one["title"], "and is listed as the device's", item)
    return key, pem, item


def check_refusal(run, item):
    lab.ok(device(run, "refuse", ANALYZER, "--why", "stolen last night") is not None, "the device is refused")
    now = next(c for c in run.api("/api/v1/certificates")["items"] if c["serial"] == item["serial"])
    lab.ok(now["state"] == "revoked" and now["revoked"]["why"] == "the device was refused", "its certificate is revoked, and why", now)
    crl = os.path.join(os.path.dirname(run.data), "crl.pem")
    with open(crl, "w", encoding="utf-8") as f:
        f.write(api(run, "GET", "/api/v1/pki/crl"))
    lab.ok(item["serial"].upper() in openssl("crl", "-in", crl, "-noout", "-text"), "the list of revoked certificates has it")


with lab.Folder() as folder:
    path, _, _ = lab.capture(folder, 5, attacks=())
    data = os.path.join(folder, "data")
    base = os.path.join(folder, "radius")
    os.mkdir(base)
    with lab.Run(data, "--replay", path) as run:
        run.wait_ended()
        lab.wait(lambda: at(run, ANALYZER) is not None and run.api("/api/v1/devices?limit=1")["total"] > 20)
        check_words(run)
        vouched = run.api("/api/v1/devices?admission=vouched&limit=200")
    with lab.Run(data) as run:
        run.wait_api()
        again = lab.wait(lambda: run.api("/api/v1/devices?admission=vouched&limit=200"))
        lab.ok(again is not None and [d["id"] for d in again["items"]] == [d["id"] for d in vouched["items"]], "after a restart everybody's word still stands", again and again["total"])
        text = device(run, "radius")
        addresses = macs(text)
        mine, not_mine = at(run, ANALYZER)["mac"][0].replace(":", ""), at(run, "10.20.10.70")["mac"]
        lab.ok(mine in addresses and not any(m.replace(":", "") in addresses for m in not_mine), "the list has who was vouched for, and not who was refused", text[:600])
        taken = [a for a in run.api("/api/v1/acts?event=data")["items"] if "MAC addresses" in a["what"]]
        lab.ok(len(taken) == 1, "who took the list is on the record", taken)
        key, pem, item = certificate(run, base)
        tools = all(shutil.which(t) for t in ("freeradius", "radclient"))
        eap = tools and shutil.which("eapol_test")
        if tools:
            openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", base + "/radius.key", "-out", base + "/radius.pem",
                    "-subj", "/CN=radius.example", "-days", "30")
            with open(base + "/authorize", "w", encoding="utf-8") as f:
                f.write(text)
            devices_pem(run, base)
            server = Radius(base)
            good, why = server.parses()
            lab.ok(good, "FreeRADIUS reads list and configuration", why)
            with server:
                lab.ok(server.mac(mine) and not server.mac("0011223344ff"), "an address of the list is let in, another is not", server.said()[-1500:])
                if eap:
                    let_in, why = server.tls(key, pem)
                    lab.ok(let_in, "the device's certificate is let in", why + server.said()[-3000:])
                else:
                    lab.skip("the device's certificate is let in", "no eapol_test")
        else:
            for name in ("FreeRADIUS reads list and configuration", "an address of the list is let in, another is not", "the device's certificate is let in"):
                lab.skip(name, "no freeradius")
        check_refusal(run, item)
        if eap:
            devices_pem(run, base)
            with open(base + "/authorize", "w", encoding="utf-8") as f:
                f.write(device(run, "radius"))
            with Radius(base) as server:
                lab.ok(not server.tls(key, pem)[0] and lab.wait(lambda: "revoked" in server.said()), "once the device is refused, it is not let in any more", server.said()[-3000:])
                lab.ok(not server.mac(mine), "nor its address")
        else:
            lab.skip("once the device is refused, it is not let in any more", "no freeradius or eapol_test")
lab.finish()
