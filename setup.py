"""Distribution ``deployr-server``: package ``deployr``, command ``deployr``."""

import pathlib
import re

from setuptools import find_packages, setup

HERE = pathlib.Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+?)"', (HERE / "deployr/__init__.py").read_text())[1]

setup(
    name="deployr-server",
    version=VERSION,
    description="A drop-in server for DeployR 7.x/8.0.x clients, with the R/ML Server 9.x API on the same engine",
    long_description=(HERE / "README.md").read_text() if (HERE / "README.md").exists() else "",
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=[*find_packages(include=["deployr", "deployr.*"]), "deployr.external_repository"],
    # The sample external repository, which lies beside the package in the sources, goes into it when installed.
    package_dir={"deployr.external_repository": "external_repository"},
    package_data={"deployr.external_repository": ["*", "*/*", "*/*/*"]},
    include_package_data=True,
    install_requires=[
        "alembic>=1.13",
        "apscheduler>=3.10,<4",
        "argon2-cffi>=23.1",
        "dill>=0.3.8",
        "falcon>=4.0",
        "gunicorn>=27.0",
        "httpx>=0.27",
        "ldap3>=2.9",
        "lxml>=5.0",
        "msgspec>=0.19",
        "multipart>=2.0",
        "numpy>=1.26",
        "orjson>=3.10",
        "pyjwt[crypto]>=2.9",
        "sqlalchemy>=2.0",
        "uvloop>=0.19",
        "websockets>=13.0",
        "xmltodict>=0.13",
    ],
    extras_require={
        "postgresql": ["psycopg[binary]>=3.2"],
        "python": [
            "matplotlib>=3.8",
            "pandas>=2.2",
        ],
        "onnx": [
            "onnxruntime>=1.17",
            "pandas>=2.2",
        ],
        "test": [
            "hypothesis>=6.100",
            "matplotlib>=3.8",
            "jsonschema>=4.20",
            "mypy>=1.10",
            "onnx>=1.16",
            "onnxruntime>=1.17",
            "pandas>=2.2",
            "openapi-spec-validator>=0.7.1",
            "psycopg[binary]>=3.2",
            "pytest>=8.2",
            "pytest-asyncio>=0.24",
            "pytest-timeout>=2.3",
            "pytest-xdist>=3.6",
            "ruff>=0.6",
            "types-ldap3>=2.9",
        ],
    },
    entry_points={"console_scripts": ["deployr = deployr.cli:main"]},
)
