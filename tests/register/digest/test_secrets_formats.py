"""Credential files: each format read, and each recognised as itself alone."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.register.digest.credential_files import formats, parse_credentials, read_credentials
from analyzer.register.digest.secret import CredentialsError

HA1 = hashlib.md5(b"bob:lab:b").hexdigest()
HA1_LONG = hashlib.sha256(b"bob:lab:b").hexdigest()

SIP_CONF = f"""
; peers
[general]
realm=lab.invalid   ; the realm
register => trunk;:cut@carrier.invalid
register => udp://47:s3c:authname@carrier.invalid:5060/47~120
register => nopassword@carrier.invalid

[phone](!)
type=friend
secret=shared\\;pw

[alice](phone)
[bob]
type => friend
md5secret => {HA1}
;-- secret=hidden
[mallory]
secret=hidden --;
[carol](phone)
secret = own pw ;; comment
[empty]
secret=
"""

PJSIP_CONF = f"""[transport-udp]
type=transport
protocol=udp
[alice]
type=endpoint
auth=alice-auth
[alice-auth]
type=auth
auth_type=userpass
username=alice
password=p=w
[bob-auth]
type=auth
auth_type=md5
realm=lab
username=bob
md5_cred={HA1}
[dave]
type=auth
password=davepw
"""

DIRECTORY = f"""<include>
 <X-PRE-PROCESS cmd="set" data="default_password=1234"/>
 <domain name="lab">
  <user id="1000"><params><param name="password" value="$${{default_password}}"/></params></user>
  <user id="1001"><params><param name="vm-password" value="1001"/>
   <param name="password" value="a&amp;b"/></params></user>
  <user id="bob"><params><param name="a1-hash" value="{HA1}"/></params></user>
  <user id="1002"><params><param name="password" value="$${{unknown}}"/></params></user>
 </domain>
 <user id="1003"><params><param name="password" value="outside"/></params></user>
</include>
"""

MYSQL = f"""-- dump
CREATE TABLE `subscriber` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `username` varchar(64) NOT NULL DEFAULT '',
  `domain` varchar(64) NOT NULL DEFAULT '',
  `ha1` varchar(128) NOT NULL DEFAULT '',
  `password` varchar(64) NOT NULL DEFAULT '',
  `ha1b` varchar(128) NOT NULL DEFAULT '',
  PRIMARY KEY (`id`),
  UNIQUE KEY `account_idx` (`username`,`domain`)
) ENGINE=InnoDB;
INSERT INTO `other` VALUES (1,'x','y','z');
INSERT INTO `subscriber` VALUES (1,'alice','lab','{HA1}','it''s,(a)\\'b',''),
(2,'bob','lab','{HA1}','','{HA1_LONG}');
"""

COPY = f"""COPY public.subscriber (id, username, domain, password, ha1) FROM stdin;
1\talice\tlab\talicepw\t
2\tbob\tlab\t\\N\t{HA1}
\\.
SELECT 1;
"""

FILES = {
    "csv": "alice,lab,alicepw\nbob,,b\n",
    "csv with header": "username,realm,password\nalice,lab,alicepw\n",
    "csv dump": f"id,username,domain,password,ha1,ha1b\n1,alice,lab,alicepw,{HA1},{HA1}\n",
    "csv ha1": f"bob,lab,,{HA1}\n",
    "csv with colons": f"alice,lab,x:y:{HA1}\n",
    "htdigest": f"alice:lab:{HA1}\nbob:lab:{HA1_LONG}\n",
    "asterisk sip": SIP_CONF,
    "asterisk pjsip": PJSIP_CONF,
    "freeswitch": DIRECTORY,
    "freeswitch with declaration": '<?xml version="1.0"?>\n<!-- users -->\n' + DIRECTORY,
    "kamailio mysql": MYSQL,
    "kamailio copy": COPY,
    "kamailio insert": "INSERT INTO subscriber (username, domain, password) VALUES ('alice', 'lab', 'alicepw');",
}


def found(text: str | bytes) -> list[tuple[str, str, str, str]]:
    octets = text if isinstance(text, bytes) else text.encode()
    return [
        (secret.username, secret.realm, secret.kind, secret.reveal().decode("utf-8", "surrogateescape"))
        for secret in parse_credentials(octets, "file")
    ]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["", "with byte order mark"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_each_file_is_of_one_format_alone(name: str, mark: bytes, end: str) -> None:
    octets = FILES[name].replace("\n", end).encode()
    assert [form.NAME for form in formats() if form.looks_like(octets)] == [name.split()[0]]
    assert parse_credentials(mark + octets, "file")
    assert found(octets) == found(FILES[name])


def test_formats_are_in_name_order_and_named_apart() -> None:
    names = [form.NAME for form in formats()]
    assert names == sorted(set(names)) == ["asterisk", "csv", "freeswitch", "htdigest", "kamailio"]


def test_csv() -> None:
    text = 'alice,lab,alicepw\n# comment,a,b\n\nbob,,"b,""c"\ncarol,lab,bob:s3cret"quoted\n dave , lab , blanks \n'
    assert found(text) == [
        ("alice", "lab", "password", "alicepw"),
        ("bob", "", "password", 'b,"c'),
        ("carol", "lab", "password", 'bob:s3cret"quoted'),
        ("dave", "lab", "password", " blanks "),
    ]


def test_csv_header_orders_the_columns() -> None:
    text = "Password;User;Domain\nsecret;alice;lab\n"
    assert found(text) == [("alice", "lab", "password", "secret")]


def test_csv_password_goes_before_ha1() -> None:
    assert found(f"bob,lab,b,{HA1}\ncarol,lab,,{HA1.upper()}\n") == [
        ("bob", "lab", "password", "b"),
        ("carol", "lab", "ha1", HA1),
    ]


def test_csv_octets_survive() -> None:
    (secret,) = parse_credentials(b"J\xe4s,lab,p\xe4\x85ss\n", "file")
    assert secret.reveal() == b"p\xe4\x85ss"
    assert secret.username == b"J\xe4s".decode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("alice,lab,pw\nbob,lab\n", 2),
        ("alice,lab,pw\n\n\n,lab,pw\n", 4),
        (f"bob,,,{HA1}\n", 1),
        ("username,realm,password\nbob,lab,\n", 2),
        ("a,b,c,0123\nb,c,,0123\n", 2),
    ],
)
def test_csv_errors_name_the_line(text: str, line: int) -> None:
    with pytest.raises(CredentialsError) as raised:
        found(text)
    assert raised.value.line == line


def test_htdigest() -> None:
    assert found(f"# users\nalice:a:b:{HA1.upper()}\nbob:lab:{HA1_LONG}") == [
        ("alice", "a:b", "ha1", HA1),
        ("bob", "lab", "ha1", HA1_LONG),
    ]


def test_chan_sip() -> None:
    assert found(SIP_CONF) == [
        ("authname", "", "password", "s3c"),
        ("alice", "", "password", "shared;pw"),
        ("bob", "lab.invalid", "ha1", HA1),
        ("carol", "", "password", "own pw"),
    ]


def test_chan_sip_without_realm_is_asterisk() -> None:
    assert found(f"[bob]\nmd5secret={HA1}\n") == [("bob", "asterisk", "ha1", HA1)]


def test_pjsip() -> None:
    assert found(PJSIP_CONF) == [
        ("alice", "", "password", "p=w"),
        ("bob", "lab", "ha1", HA1),
        ("dave", "", "password", "davepw"),
    ]


def test_freeswitch() -> None:
    assert found(DIRECTORY) == [
        ("1000", "", "password", "1234"),
        ("1001", "", "password", "a&b"),
        ("bob", "lab", "ha1", HA1),
        ("1003", "", "password", "outside"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused(encoding: str) -> None:
    lol = '<!DOCTYPE a [<!ENTITY l "ha"><!ENTITY m "&l;&l;">]>'
    text = f'<?xml version="1.0" encoding="{encoding}"?>{lol}<user id="a"><param name="password" value="&m;"/></user>'
    reason = "document type" if encoding == "utf-8" else "is none of"
    with pytest.raises(CredentialsError, match=reason):
        found(text.encode(encoding))


def test_variables_do_not_grow_by_nesting() -> None:
    sets = '<X-PRE-PROCESS cmd="set" data="v0=hahahahaha"/>'
    sets += "".join(f'<X-PRE-PROCESS cmd="set" data="v{i}={f"$${{v{i - 1}}}" * 10}"/>' for i in range(1, 10))
    (entry,) = found(f'<x>{sets}<user id="a"><param name="password" value="$${{v9}}"/></user></x>')
    assert len(entry[3]) < 100


def test_many_comments_are_no_work() -> None:
    text = "<!-- a -->" * 20_000 + "x"
    with pytest.raises(CredentialsError):
        found(text)


def test_deep_xml_does_not_recurse() -> None:
    depth = 50_000
    text = "<x>" * depth + '<user id="a"><param name="password" value="b"/></user>' + "</x>" * depth
    assert found(text) == [("a", "", "password", "b")]


def test_mysql_dump() -> None:
    assert found(MYSQL) == [
        ("alice", "lab", "password", "it's,(a)'b"),
        ("bob", "lab", "ha1", HA1),
        ("bob@lab", "lab", "ha1", HA1_LONG),
    ]
    (_, bob, _) = parse_credentials(MYSQL.encode(), "dump.sql")
    assert bob.origin == "dump.sql:14"


def test_postgres_dump() -> None:
    assert found(COPY) == [("alice", "lab", "password", "alicepw"), ("bob", "lab", "ha1", HA1)]


@pytest.mark.parametrize(
    "row",
    [f"(1,'bob','lab','','{HA1}','')", f"(1,'bob','lab','','b@lab','{HA1}','',NULL)"],
    ids=["standard", "older"],
)
def test_insert_without_columns_has_the_standard_layout(row: str) -> None:
    assert found(f"INSERT INTO subscriber VALUES {row};") == [("bob", "lab", "ha1", HA1)]


@pytest.mark.parametrize("octets", [b"", b"\n\n", b"\x00\x01\x02", b"hello", b"a,b", b"{}"])
def test_files_of_no_format(octets: bytes) -> None:
    with pytest.raises(CredentialsError, match="is none of: asterisk, csv, freeswitch, htdigest, kamailio"):
        parse_credentials(octets, "file")


@pytest.mark.parametrize("text", ["[general]\nbindport=5060\n", "<include/>", "username,realm,password\n"])
def test_files_without_secrets(text: str) -> None:
    with pytest.raises(CredentialsError, match="holds no secret"):
        found(text)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match="No such file"):
        read_credentials(tmp_path / "missing")
    with pytest.raises(CredentialsError):
        read_credentials(tmp_path)


@given(st.binary(max_size=200))
def test_any_octets_give_secrets_or_the_one_error(octets: bytes) -> None:
    try:
        parse_credentials(octets, "file")
    except CredentialsError as error:
        assert str(error).startswith("file")


@given(st.sampled_from(sorted(FILES)), st.integers(0, 400), st.binary(max_size=4))
def test_a_damaged_file_gives_secrets_or_the_one_error(name: str, place: int, octets: bytes) -> None:
    whole = FILES[name].encode()
    try:
        parse_credentials(whole[:place] + octets + whole[place + 3 :], "file")
    except CredentialsError as error:
        assert str(error).startswith("file")
