// A LIS by node-hl7-server: listens on PORT, prints "ready", then the control id and the value of each message that it takes.
// usage: node lis.mjs PORT [CERTIFICATE KEY AUTHORITY]      with certificates: TLS, which the other side must have one for, too
import { readFileSync } from "node:fs";
import { Server } from "node-hl7-server";

const [port, certificate, key, authority] = process.argv.slice(2);
const tls = certificate && { cert: readFileSync(certificate), key: readFileSync(key), ca: readFileSync(authority), requestCert: true, rejectUnauthorized: true };
const server = new Server({ bindAddress: "127.0.0.1", ...(tls ? { tls } : {}) });
const inbound = server.createInbound({ port: Number(port) }, async (request, response) => {
    const message = request.getMessage();
    console.log(message.get("MSH.10").toString(), message.get("OBX.5").toString());
    await response.sendResponse("AA");
});
inbound.on("listen", () => console.log("ready"));
