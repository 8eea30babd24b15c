"""Settings of the tests; the database comes from the environment."""

import os
import tempfile

ENGINES = {
    "sqlite": "django.db.backends.sqlite3",
    "postgres": "django.db.backends.postgresql",
    "mariadb": "django.db.backends.mysql",
}
USERS = {"postgres": "postgres", "mariadb": "root"}

DATABASE = os.environ.get("DATABASE_ENGINE", "sqlite")
# Parallel runs of one database must not share a test database.
DATABASE_NAME = os.environ.get("DATABASE_NAME", "django_authaudit")


def _database(name):
    if DATABASE == "sqlite":
        # A file, as projects have: threads share no database in memory, nor close it.
        folder = os.environ.get("DATABASE_PATH", tempfile.gettempdir())
        return {
            "ENGINE": ENGINES[DATABASE],
            "NAME": f"{folder}/{name}.sqlite3",
            "TEST": {"NAME": f"{folder}/test_{name}_{os.getpid()}.sqlite3"},
        }
    return {
        "ENGINE": ENGINES[DATABASE],
        "NAME": name,
        "USER": os.environ.get("DATABASE_USER", USERS[DATABASE]),
        "PASSWORD": os.environ.get("DATABASE_PASSWORD", ""),
        "HOST": os.environ.get("DATABASE_HOST", "127.0.0.1"),
        "OPTIONS": {"charset": "utf8mb4"} if DATABASE == "mariadb" else {},
        "TEST": {"CHARSET": "utf8mb4"} if DATABASE == "mariadb" else {},
    }


DATABASES = {"default": _database(DATABASE_NAME), "audit": _database(f"{DATABASE_NAME}_audit")}

SECRET_KEY = "tests only"
USE_TZ = True
TIME_ZONE = "Europe/Berlin"
ROOT_URLCONF = "tests.urls"
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
STATIC_URL = "static/"

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]

INSTALLED_APPS = [
    "django_authaudit",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "tests.users",
]

MIDDLEWARE = [
    "django_authaudit.middleware.AuditMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [os.path.join(os.path.dirname(__file__), "templates")],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


# Django 6.1 has mailers where older ones have EMAIL_BACKEND, which the test runner sets.
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
