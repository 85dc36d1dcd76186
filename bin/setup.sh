# Sourced by the other scripts: makes sure that everything the server needs is installed. POSIX shell.
# Needs nothing but Debian 12 and, for missing packages, root or sudo. Does little when all is there.

root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
venv=${SERVER_VENV:-$root/.venv}

# Run as root, sessions are other users, who must be able to read the virtual environment. Where they cannot enter the
# clone, such as below /root, `.venv` is a link to a place where they can.
if [ -z "${SERVER_VENV:-}" ] && [ "$(id -u)" -eq 0 ] &&
    ! setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$root"; then
    venv=/var/lib/deployr/venv-$(printf %s "$root" | cksum | cut -d ' ' -f 1)
    [ -L "$root/.venv" ] || rm -rf "$root/.venv"
    ln -sfn "$venv" "$root/.venv"
fi

fail() {
    echo "$(basename -- "$0"): $*" >&2
    exit 1
}

is_installed() {
    dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'install ok installed'
}

# Install Debian packages that are missing. COMMAND=PACKAGE asks for the package only where the command is not there:
# a Node.js from elsewhere brings npm along, and Debian's npm package would conflict with it.
need_packages() {
    missing=
    for wanted in "$@"; do
        case $wanted in
        *=*) command -v "${wanted%%=*}" >/dev/null || missing="$missing ${wanted#*=}" ;;
        *) is_installed "$wanted" || missing="$missing $wanted" ;;
        esac
    done
    [ -n "$missing" ] || return 0
    command -v apt-get >/dev/null || fail "please install these packages:$missing"
    if [ "$(id -u)" -eq 0 ]; then
        as_root=
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        as_root=sudo
    else
        fail "Debian packages are missing. As root: apt-get install --no-install-recommends$missing"
    fi
    echo "installing:$missing" >&2
    $as_root apt-get update -q >&2
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >&2
}

# A Python of at least 3.11; Debian's own first, since its venv package is what need_packages installs.
find_python() {
    for candidate in /usr/bin/python3 python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return 0
        fi
    done
    fail "Python 3.11 or newer is needed"
}

# need_server [EXTRA]: the package in a virtual environment, installed again when setup.py has changed.
need_server() {
    need_packages ca-certificates python3 python3-venv r-base-core r-cran-rserve fonts-dejavu-core
    (
        umask 022
        install_server "$@"
    )
}

install_server() {
    what=$root${1:+[$1]}
    stamp=$venv/.installed-${1:-server}
    want=$(cksum <"$root/setup.py")
    [ -x "$venv/bin/python" ] || "$(find_python)" -m venv "$venv" || fail "cannot make $venv"
    if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$want" ]; then
        echo "installing the Python package" >&2
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable "$what" >&2 ||
            fail "pip could not install the package"
        echo "$want" >"$stamp"
    fi
}
