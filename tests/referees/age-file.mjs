// age-file.mjs: let the TypeScript implementation of age open or seal one file.
//   node age-file.mjs open SECRET-OR-PASSPHRASE IN OUT
//   node age-file.mjs seal RECIPIENT-OR-PASSPHRASE IN OUT
//   node age-file.mjs recipient SECRET
import { readFileSync, writeFileSync } from "node:fs";
import { Decrypter, Encrypter, identityToRecipient } from "age-encryption";

const [verb, key, from, to] = process.argv.slice(2);
if (verb === "open") {
  const decrypter = new Decrypter();
  if (key.startsWith("AGE-SECRET-KEY-")) decrypter.addIdentity(key);
  else decrypter.addPassphrase(key);
  writeFileSync(to, await decrypter.decrypt(readFileSync(from)));
} else if (verb === "seal") {
  const encrypter = new Encrypter();
  if (key.startsWith("age1")) encrypter.addRecipient(key);
  else {
    encrypter.setPassphrase(key);
    encrypter.setScryptWorkFactor(10);
  }
  writeFileSync(to, await encrypter.encrypt(readFileSync(from)));
} else {
  process.stdout.write(await identityToRecipient(key));
}
