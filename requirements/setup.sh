#!/usr/bin/env bash
# Bring .venv to one of the locked sets: setup.sh runtime | online | dev. Each set holds the one before it.
#
# Called before every make target, so a current environment is recognised without starting Python. A set-up that was
# interrupted leaves no stamp and is taken up again; an environment that already holds more than asked for stays as it is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly sets=(runtime online dev)
readonly stamp=.venv/marketsim-setup # "<set> <checksum of its lock> <folder>", written last

say() { printf '%s\n' "$*" >&2; }
die() { say "setup: $*"; exit 1; }

rank() {
    local i
    for i in "${!sets[@]}"; do [[ ${sets[i]} == "$1" ]] && echo "$i" && return; done
    die "'$1' is no set of packages; choose one of: ${sets[*]}."
}

checksum() { cat "requirements/$1.txt" requirements/uv.txt pyproject.toml | cksum | cut -d' ' -f1; }

# Print the set .venv holds and succeed, if a finished set-up of this folder left one.
installed() {
    local set sum folder
    [[ -x .venv/bin/python && -r $stamp ]] && read -r set sum folder <"$stamp" && [[ $folder == "$PWD" ]] && echo "$set $sum"
}

# A Python named by PYTHON is honoured: an environment of another version does not count.
same_python() {
    local version='import sys; print(sys.version)'
    [[ -z ${PYTHON:-} ]] || [[ $("$PYTHON" -c "$version" 2>/dev/null) == "$(.venv/bin/python -c "$version")" ]]
}

current() {
    local have
    have=$(installed) && same_python && (($(rank "${have% *}") >= $(rank "$1"))) && [[ ${have#* } == "$(checksum "${have% *}")" ]]
}

# Run a command as one reported step: its name and the seconds it took; its output only if it fails.
step() {
    local title=$1 output began=$SECONDS
    shift
    printf '  %-58s' "$title" >&2
    if output=$("$@" 2>&1); then
        printf '%4d s\n' $((SECONDS - began)) >&2
    else
        printf 'failed\n%s\n' "$output" >&2
        return 1
    fi
}

usable() { "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    local name
    if [[ -n ${PYTHON:-} ]]; then
        usable "$PYTHON" || die "PYTHON=$PYTHON is not Python 3.11 or newer with the venv module; name another or leave PYTHON unset."
        echo "$PYTHON" && return
    fi
    for name in python3.14 python3.13 python3.12 python3.11 python3 python; do
        usable "$name" && command -v "$name" && return
    done
    die "found no Python 3.11 or newer that can make a virtual environment; install one" \
        "(on Debian and Ubuntu also its venv package, e.g. python3.11-venv) or name it: make PYTHON=/path/to/python3."
}

# pip's own settings (index, certificates) reach uv too, which reads only its own; what the user set for uv goes first.
# With several indexes the lock's hashes decide what is acceptable, so uv may look in all of them.
adopt_pip_settings() {
    eval "$(.venv/bin/python requirements/pip_settings.py)"
    export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}" UV_COMPILE_BYTECODE=1 UV_INDEX_STRATEGY="${UV_INDEX_STRATEGY:-unsafe-best-match}"
}

pip() { .venv/bin/python -m pip --disable-pip-version-check --no-input --quiet "$@"; }
uv() { .venv/uv/bin/uv --no-progress --no-config "$@"; }

# uv lives in a folder of its own, so that the environment holds the locked packages and nothing else.
get_uv() {
    local home=.venv/uv
    cmp -s requirements/uv.txt $home/lock.txt && uv --version && return
    rm -rf $home
    pip install --require-hashes --no-deps --only-binary :all: --target $home -r requirements/uv.txt \
        && uv --version && cp requirements/uv.txt $home/lock.txt
}

# A usable environment is kept: the locked set is brought into it. A broken or moved one is made anew.
make_venv() {
    local folder=$PWD
    [[ ! -r $stamp ]] || read -r _ _ folder <"$stamp"
    if [[ $folder == "$PWD" ]] && usable .venv/bin/python && same_python; then
        .venv/bin/python -m pip --version >/dev/null 2>&1 || step "add pip to .venv" .venv/bin/python -m ensurepip
    else
        step "make .venv with $("$1" --version)" "$1" -m venv --clear .venv
    fi
}

install() {
    local want=$1 python=$2 have lock began=$SECONDS
    if have=$(installed) && same_python; then
        if (($(rank "${have% *}") > $(rank "$want"))); then want=${have% *}; fi # what was there stays
    fi
    lock=requirements/$want.txt
    say "Setting up .venv with the $want packages ($(grep -c == "$lock"), locked by hash); this happens once."
    make_venv "$python"
    rm -f "$stamp"
    adopt_pip_settings
    if step "get the installer uv" get_uv; then
        step "install $lock" uv pip sync --python .venv/bin/python --require-hashes "$lock" \
            && step "install marketsim from this folder" \
                uv pip install --python .venv/bin/python --offline --no-deps --no-build-isolation --editable .
    else
        say "  uv is not to be had here; pip does the same in a few minutes."
        step "install $lock" pip install --no-deps --require-hashes -r "$lock" \
            && step "install marketsim from this folder" pip install --no-deps --no-build-isolation --editable .
    fi || die "the packages could not be installed (see above); is the package index reachable? The same command goes on from here."
    printf '%s %s %s\n' "$want" "$(checksum "$want")" "$PWD" >"$stamp.part"
    mv "$stamp.part" "$stamp"
    say "Ready after $((SECONDS - began)) s."
}

main() {
    local want=${1:?"say which packages: ${sets[*]}"} python
    rank "$want" >/dev/null
    if current "$want"; then return; fi
    python=$(find_python)
    # One set-up at a time: the lock belongs to this open file and goes with the last process that holds it.
    exec 9<requirements/setup.sh
    "$python" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'
    current "$want" || install "$want" "$python"
}

main "$@"
