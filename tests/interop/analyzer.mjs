// An analyzer by node-hl7-client: sends COUNT results to PORT, one after the other, and prints code and control id of each answer.
// usage: node analyzer.mjs PORT COUNT kept|each      on one connection, or on one for each message
import { Client, Message } from "node-hl7-client";

const [port, count] = process.argv.slice(2, 4).map(Number);
const kept = process.argv[4] === "kept";
const now = new Date().toISOString().replace(/[-:T]/g, "").slice(0, 14);
const result = (n) =>
    new Message({
        text: [
            `MSH|^~\\&|CHEM|LAB|LIS|HOSP|${now}||ORU^R01^ORU_R01|JS${String(n).padStart(6, "0")}|P|2.5`,
            `PID|1||P${1000 + n}^^^HOSP^MR||DOE^ROBIN||19700101|F`,
            `OBR|1|S${2000 + n}|S${2000 + n}|CHEM^Chemistry^L|||${now}`,
            `OBX|1|NM|2823-3^Potassium^LN||4.${n % 10}|mmol/L|3.5-5.1|N|||F|||${now}`,
        ].join("\r"),
    });

let answered;
const connect = () =>
    new Client({ host: "127.0.0.1", version: "2.5" }).createConnection({ port }, async (response) => {
        const answer = response.getMessage();
        console.log(answer.get("MSA.1").toString(), answer.get("MSA.2").toString());
        answered();
    });
let connection = connect();
for (let n = 0; n < count; n++) {
    const answer = new Promise((done) => (answered = done));
    await connection.sendMessage(result(n));
    await answer;
    if (!kept || n === count - 1) {
        await connection.close();
        if (n < count - 1) connection = connect();
    }
}
process.exit(0);
