"""What `startproject` writes, plus the audit app that the environment names."""

import json
import os
from pathlib import Path

from bench_project.variants import FOLDER, VARIANTS

_variant = VARIANTS[os.environ["BENCH_VARIANT"]]

SECRET_KEY = "only-for-benchmarks"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "bench_project.urls"
WSGI_APPLICATION = "bench_project.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
STATIC_URL = "static/"
LOGIN_REDIRECT_URL = "/"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    *_variant.apps,
]

MIDDLEWARE = [
    *_variant.outer_middleware,
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    *_variant.inner_middleware,
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# The cheapest hasher, so that the cost of the audit is not lost in the noise of a real one.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s: %(message)s"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line"},
        # Made by its first line, which only the logging sink writes.
        "entries": {
            "class": "logging.FileHandler",
            "filename": FOLDER / "logged.jsonl",
            "delay": True,
        },
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
    # A line for each 403 would be measured too.
    "loggers": {
        "django.request": {"level": "ERROR"},
        "axes": {"level": "ERROR"},
        "django_authaudit.entries": {"handlers": ["entries"], "level": "INFO", "propagate": False},
    },
}

DATABASES = json.loads(os.environ["BENCH_DATABASES"])

globals().update(_variant.settings)
globals().update(json.loads(os.environ.get("BENCH_SETTINGS", "{}")))
