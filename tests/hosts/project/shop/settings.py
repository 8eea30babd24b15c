"""A project as ``startproject`` makes it, with the audit log added as its README says."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
ENGINE = os.environ["HOST_ENGINE"]
NAME = os.environ["HOST_DATABASE"]


def database(name):
    if ENGINE.endswith("sqlite3"):
        return {"ENGINE": ENGINE, "NAME": BASE_DIR / f"{name}.sqlite3"}
    return {
        "ENGINE": ENGINE,
        "NAME": name,
        "USER": os.environ["HOST_USER"],
        "PASSWORD": os.environ["HOST_PASSWORD"],
        "HOST": os.environ["HOST_SERVER"],
    }


DATABASES = {"default": database(NAME)}
SECRET_KEY = "tests only"
ROOT_URLCONF = "shop.urls"
ALLOWED_HOSTS = ["localhost"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django_authaudit",
    "shop",
]
MIDDLEWARE = [
    "django_authaudit.middleware.AuditMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]

# Whatever the audit log complains about fails the run.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {
        "audit": {
            "class": "logging.FileHandler",
            "filename": BASE_DIR / "complaints.log",
            "delay": True,
        }
    },
    "loggers": {"django_authaudit": {"handlers": ["audit"], "level": "DEBUG"}},
}

if os.environ.get("HOST_LOG_APART"):
    DATABASES["audit"] = database(f"{NAME}_audit")
    AUTHAUDIT_DATABASE = "audit"
    DATABASE_ROUTERS = ["django_authaudit.routers.AuditRouter"]
