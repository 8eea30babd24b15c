"""A SAML identity provider in the process of the test, with keys of its own, by pysaml2."""

from __future__ import annotations

import atexit
import base64
import shutil
import tempfile
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from django.conf import settings
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig, SPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_PERSISTENT, NameID

FOLDER = Path(tempfile.mkdtemp(prefix="django_authaudit_saml_"))
atexit.register(shutil.rmtree, FOLDER)
XMLSEC = shutil.which("xmlsec1") or ""
PROVIDER, SERVICE = "https://idp.example.org/", "http://testserver/saml2/metadata/"
ACS = "http://testserver/saml2/acs/"


def make_keys(name):
    """Write a key and a certificate, and return their paths."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    form, plain = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    paths = FOLDER / f"{name}.key", FOLDER / f"{name}.pem"
    paths[0].write_bytes(key.private_bytes(pem, form, plain))
    paths[1].write_bytes(certificate.public_bytes(pem))
    return [str(path) for path in paths]


def provider_settings(keys, metadata=()):
    sso = [("https://idp.example.org/sso", BINDING_HTTP_REDIRECT)]
    return {
        "entityid": PROVIDER,
        "xmlsec_binary": XMLSEC,
        "key_file": keys[0],
        "cert_file": keys[1],
        "service": {"idp": {"endpoints": {"single_sign_on_service": sso}}},
        "metadata": {"local": list(metadata)},
    }


def service_settings():
    """Return the settings of the service, and publish both sides' metadata."""
    keys = make_keys("idp")
    _publish("idp.xml", IdPConfig().load(provider_settings(keys)))
    return {
        "entityid": SERVICE,
        "xmlsec_binary": XMLSEC,
        "service": {
            "sp": {
                "endpoints": {"assertion_consumer_service": [(ACS, BINDING_HTTP_POST)]},
                "want_response_signed": False,
                "want_assertions_signed": True,
                "allow_unsolicited": False,
            }
        },
        "metadata": {"local": [str(FOLDER / "idp.xml")]},
    }


def _publish(name, config):
    (FOLDER / name).write_text(str(entity_descriptor(config)))


@cache
def provider(name="idp"):
    """Return the provider; one of another name signs with another key."""
    # Warns of what cryptography has given up, which no settings may.
    from saml2.server import Server

    paths = [str(FOLDER / f"{name}.{suffix}") for suffix in ("key", "pem")]
    keys = paths if Path(paths[0]).exists() else make_keys(name)
    _publish("sp.xml", SPConfig().load(settings.SAML_CONFIG))
    return Server(config=IdPConfig().load(provider_settings(keys, [str(FOLDER / "sp.xml")])))


def asked_for(response):
    """Return the id of the request that the service has sent a browser away with."""
    query = parse_qs(urlsplit(response["Location"]).query)
    found = provider().parse_authn_request(query["SAMLRequest"][0], BINDING_HTTP_REDIRECT)
    return found.message.id


def answer(request_id, attributes, *, by="idp", **options):
    """Return the provider's signed answer, as a browser posts it."""
    name = NameID(format=NAMEID_FORMAT_PERSISTENT, text="name-id-of-bob-at-the-provider")
    xml = provider(by).create_authn_response(
        attributes,
        request_id,
        ACS,
        sp_entity_id=SERVICE,
        name_id=name,
        authn={"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"},
        sign_assertion=True,
        sign_response=False,
        **options,
    )
    return base64.b64encode(str(xml).encode()).decode()


def refusal(request_id, status):
    xml = provider().create_error_response(request_id, ACS, (status, "no"), sign=False)
    return base64.b64encode(str(xml).encode()).decode()
