"""Devices and their codes, for the tests of django-otp and of what builds on it."""

import time

from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

WRONG_CODE = "000000"


def add_totp(user, secrets, model=TOTPDevice, **facts):
    device = model.objects.create(user=user, name=facts.pop("name", "default"), **facts)
    secrets.learn(device.key)
    return device


def add_codes(user, secrets, *codes):
    device = StaticDevice.objects.create(user=user, name="backup")
    for code in codes:
        device.token_set.create(token=code)
    secrets.learn(*codes)
    return device


def code_of(device, secrets):
    """Return the code that the device shows now, which it accepts once."""
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift)
    totp.time = time.time()
    code = str(totp.token()).zfill(device.digits)
    # Six digits are less than what the tests take for a secret.
    secrets.add(code)
    return code


def facts_of(device, kind="totp", via="otp"):
    return {"via": via, "kind": kind, "factor": device.pk}


def code_facts(device, via="otp", **facts):
    return {"via": via, "factor": device.pk, **facts}
