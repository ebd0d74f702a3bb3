#!/bin/sh
# Installs Debian's packages that the tests marked `real` drive, and starts none of their services.
# Root only; what is installed already is skipped; one retry. `make test` with CI=true runs it first.
set -eu

PACKAGES="swaks postfix dovecot-imapd mblaze opendkim opendkim-tools"
POLICY=/usr/sbin/policy-rc.d
LOG=$(mktemp)
SAVED=

installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing() {
    for package in $PACKAGES; do
        installed "$package" || printf '%s ' "$package"
    done
}

restore() {
    if [ -n "$SAVED" ]; then mv -f "$SAVED" "$POLICY"; else rm -f "$POLICY"; fi
    rm -f "$LOG"
}

install() {
    apt-get -q update && apt-get -q install -y --no-install-recommends $(missing)
}

if [ -z "$(missing)" ]; then rm -f "$LOG"; exit 0; fi
if [ "$(id -u)" != 0 ]; then
    rm -f "$LOG"
    echo "install_debian.sh: only root can install $(missing)" >&2
    exit 1
fi

trap restore EXIT
trap 'exit 1' HUP INT TERM
if [ -e "$POLICY.before-maild" ]; then # left by a run that was killed: that one is the earlier one
    SAVED=$POLICY.before-maild
elif [ -e "$POLICY" ]; then
    SAVED=$POLICY.before-maild
    mv -f "$POLICY" "$SAVED"
fi
printf '#!/bin/sh\nexit 101\n' >"$POLICY"
chmod 755 "$POLICY"

export DEBIAN_FRONTEND=noninteractive
# Should anybody ever start it by hand: loopback only, nothing leaves the machine.
echo "postfix postfix/main_mailer_type select Local only" | debconf-set-selections || true

echo "Installing $(missing)..."
if ! install >"$LOG" 2>&1; then
    echo "install_debian.sh: failed once, trying again" >&2
    sleep 5
    install >"$LOG" 2>&1 || { tail -n 20 "$LOG" >&2; exit 1; }
fi
