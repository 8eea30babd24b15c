"""A security key of software: makes the answers that a browser passes on."""

from __future__ import annotations

import json
import os
from hashlib import sha256

from allauth.account.utils import user_pk_to_url_str
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

FLAG = AuthenticatorData.FLAG
SITE = "testserver"


class SecurityKey:
    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = os.urandom(32)

    def registered(self, challenge):
        """Return the answer to the question whether it may be added."""
        public = ES256.from_cryptography_key(self.key.public_key())
        credential = AttestedCredentialData.create(Aaguid.NONE, self.id, public)
        data = self._data(FLAG.UP | FLAG.UV | FLAG.AT, credential)
        attestation = AttestationObject.create("none", data, {})
        client = self._client(CollectedClientData.TYPE.CREATE, challenge)
        return self._answer(clientDataJSON=client, attestationObject=attestation)

    def signed(self, challenge, user):
        """Return the answer to the question whether it is `user`."""
        data = self._data(FLAG.UP | FLAG.UV)
        client = self._client(CollectedClientData.TYPE.GET, challenge)
        signature = self.key.sign(data + client.hash, ec.ECDSA(SHA256()))
        return self._answer(
            clientDataJSON=client,
            authenticatorData=data,
            signature=signature,
            userHandle=user_pk_to_url_str(user).encode(),
        )

    def _data(self, flags, credential=b""):
        return AuthenticatorData.create(sha256(SITE.encode()).digest(), flags, 1, credential)

    def _client(self, kind, challenge):
        return CollectedClientData.create(kind, challenge, f"http://{SITE}")

    def _answer(self, **response):
        name = websafe_encode(self.id)
        encoded = {key: websafe_encode(value) for key, value in response.items()}
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "response": encoded,
            "clientExtensionResults": {"credProps": {"rk": True}},
        }

    def posted(self, answer):
        """Return the answer as a form posts it."""
        return {"credential": json.dumps(answer)}
