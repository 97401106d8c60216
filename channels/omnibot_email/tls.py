"""Encrypted connections: whom we believe to be the server, and what it means when one cannot be made."""

from __future__ import annotations

import ssl

_NAMED = {"smtp": {25: "starttls", 587: "starttls", 465: "tls"}, "imap": {143: "starttls", 993: "tls"}}


def tls_context(ca: str) -> ssl.SSLContext:
    """Certificates and names are always verified; `ca` has further authorities in PEM."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca:
        context.load_verify_locations(cadata=ca)
    return context


def tls_trouble(error: BaseException, table: str, host: str) -> tuple[str, str] | None:
    """What is wrong with a certificate or with the wire, and what to do; None where it is something else."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _certificate_trouble(cause, table, host)
        if isinstance(cause, ssl.SSLError):
            return (
                "the server does not speak TLS in the way that was asked for",
                f'set {table}.security: "tls" where TLS begins at once, "starttls" where it begins after a greeting',
            )
    return None


def _certificate_trouble(error: ssl.SSLCertVerificationError, table: str, host: str) -> tuple[str, str]:
    if error.verify_code in (62, 64):  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
        return (
            "the server's certificate is for another name",
            f"let {table}.host be the name that the certificate of {host} has",
        )
    if error.verify_code == 10:  # X509_V_ERR_CERT_HAS_EXPIRED
        return "the server's certificate has expired", f"have whoever runs {host} renew it"
    return (
        "the server's certificate is from an authority that is not known here",
        f"set {table}.ca_file to the certificate of your authority, if {host} is your own server",
    )


def _causes(error: BaseException) -> list[BaseException]:
    """An error and what it came from."""
    found: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and len(found) < 10:
        found.append(cause)
        cause = cause.__cause__ or cause.__context__
    return found


def port_hint(table: str, port: int, security: str) -> str:
    """What to set where a port is usually for another security; '' where it is not."""
    usual = _NAMED[table].get(port, security)
    if usual == security or security == "none":
        return ""
    return f'port {port} usually wants {table}.security = "{usual}"'
