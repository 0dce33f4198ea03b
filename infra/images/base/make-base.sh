#!/usr/bin/env bash
# Makes target/base.tar: the root file system that both images stand on, in docker-archive format, with two layers: the
# few Debian packages that a JVM and our native libraries need, and a Java runtime linked from the build JDK.
# No daemon, no root. Same packages and same JDK give the same bytes.
#
#   JAVA_HOME=… ./make-base.sh            skips at once when up to date; --fresh asks the mirror for newer packages
set -euo pipefail
cd "$(dirname "$0")"
: "${JAVA_HOME:?make-base.sh links the Java runtime from JAVA_HOME: set it to a JDK 21 or newer}"

# libc6, libgcc-s1, libstdc++6: all that ONNX Runtime, OpenCV, FFmpeg, OpenBLAS, the tokenizers, RocksDB and the JVM link
# to beyond what their jars bring along (readelf -d over every library in them). dash runs the job image's entrypoint.
packages=(base-files dash libc6 libgcc-s1 libstdc++6)

# What jdeps finds in the jars of both images (left out: jdk.sctp, jdk.jdi, jdk.attach and java.compiler of Netty, Javassist and
# DJL, which nothing here comes to), and what is found by name at run time only: TLS curves (jdk.crypto.ec), charsets of web
# pages (jdk.charsets), the zip file system (jdk.zipfs).
modules=java.base,java.datatransfer,java.desktop,java.instrument,java.logging,java.management,java.management.rmi,java.naming
modules+=,java.net.http,java.rmi,java.scripting,java.security.jgss,java.security.sasl,java.sql,java.xml
modules+=,jdk.charsets,jdk.crypto.ec,jdk.httpserver,jdk.jfr,jdk.management,jdk.net,jdk.unsupported,jdk.zipfs

uid=10001 # of user lenstream; numeric in the image, so that Kubernetes' runAsNonRoot can check it
out=target
key=$(cat make-base.sh "$JAVA_HOME/release" | sha256sum | cut -d ' ' -f 1)
if [ "${1:-}" != --fresh ] && [ -s "$out/base.tar" ] && [ "$(cat "$out/base.key" 2>/dev/null)" = "$key" ]; then
  exit 0
fi
say() { printf 'base image: %s\n' "$*" >&2; }
stop() { say "$*"; exit 1; }
for tool in apt-get dpkg-deb readelf sha256sum tar; do
  command -v "$tool" >/dev/null || stop "$tool is missing: build on Debian or a relative of it (readelf is in binutils)."
done
[ "$(dpkg --print-architecture)" = amd64 ] || stop "only amd64 is built, because the native libraries are for amd64."

rm -rf "$out/root" "$out/java" "$out/archive" "$out/base.key"
[ "${1:-}" = --fresh ] && rm -rf "$out/packages"
mkdir -p "$out/packages" "$out/root" "$out/archive"

# --- packages ---------------------------------------------------------------------------------------------------------
private_lists=()
download() { # names...: into target/packages; asks the mirror for newer lists if the machine's are missing or stale
  local missing=() name
  for name in "$@"; do compgen -G "$out/packages/${name}_*.deb" >/dev/null || missing+=("$name"); done
  [ "${#missing[@]}" -eq 0 ] && return
  say "downloading ${missing[*]}"
  (cd "$out/packages" && apt-get -qq -o APT::Sandbox::User=root "${private_lists[@]}" download "${missing[@]}" 2>/dev/null) && return
  local apt=$PWD/$out/apt
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
  private_lists=(-o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache")
  apt-get -qq -o APT::Sandbox::User=root "${private_lists[@]}" update ||
    stop "the package mirror cannot be reached: check /etc/apt and the network."
  (cd "$out/packages" && apt-get -qq -o APT::Sandbox::User=root "${private_lists[@]}" download "${missing[@]}") ||
    stop "the package mirror does not have ${missing[*]}."
}

unpack() { # names...: into target/root, with the control data where scanners of such images look for it
  local name deb
  for name in "$@"; do
    deb=$(compgen -G "$out/packages/${name}_*.deb" | sort | tail -n 1)
    dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink --no-same-owner -C "$out/root" \
      --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' --exclude='./usr/share/info/*' \
      --exclude='./usr/share/lintian/*' --exclude='./usr/share/menu/*' --exclude='./usr/share/gdb/*' \
      --exclude='*/gconv/*' --exclude='./usr/share/gcc/*' --exclude='./usr/share/base-files/*' \
      --exclude='./usr/share/doc/*/changelog*' --exclude='./usr/share/doc/*/NEWS*'
    { dpkg-deb -f "$deb"; printf 'Status: install ok installed\n'; } >"$out/root/var/lib/dpkg/status.d/$name"
  done
}

mkdir -p "$out/root/var/lib/dpkg/status.d"
for folder in bin sbin lib lib64; do # one tree below /usr, as on an installed Debian
  mkdir -p "$out/root/usr/$folder"
  ln -s "usr/$folder" "$out/root/$folder"
done
download "${packages[@]}"
# libgcc-s1's copyright file is a link into gcc-<version>-base
gcc_base=$(dpkg-deb -f "$(compgen -G "$out/packages/libgcc-s1_*.deb" | sort | tail -n 1)" Depends | grep -o 'gcc-[0-9]*-base')
download "$gcc_base"
packages+=("$gcc_base")
unpack "${packages[@]}"

# --- Java runtime -----------------------------------------------------------------------------------------------------
say "linking a Java runtime from $JAVA_HOME"
"$JAVA_HOME/bin/jlink" --add-modules "$modules" --strip-java-debug-attributes --no-header-files --no-man-pages \
  --exclude-files='**/libawt_xawt.so,**/libjawt.so,**/libsplashscreen.so,**/libjsound.so' --output "$out/java"
if [ ! -s "$out/java/lib/security/cacerts" ]; then # distributions link it to a file of their own
  rm -f "$out/java/lib/security/cacerts"
  cp -L "$JAVA_HOME/lib/security/cacerts" "$out/java/lib/security/cacerts"
fi

# A distribution's own JDK links to system libraries that others bundle: add the packages that hold them.
needed() { find "$out/java" "$out/root/usr/lib" -type f \( -name '*.so*' -o -path '*/bin/*' \) -exec readelf -d {} + 2>/dev/null |
  sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p' | sort -u; }
for _ in 1 2 3 4 5; do
  added=()
  for library in $(needed); do
    [ -n "$(find "$out/java" "$out/root/usr" -name "$library" -print -quit)" ] && continue
    path=$(ldconfig -p | sed -n "s/^\t$library (.*x86-64.*) => //p" | head -n 1)
    [ -n "$path" ] || stop "the Java runtime needs $library, which this machine does not have either."
    package=$({ dpkg -S "$path" || dpkg -S "$(readlink -f "$path")"; } 2>/dev/null | head -n 1 | cut -d : -f 1)
    [ -n "$package" ] || stop "the Java runtime needs $library, and no package says that it holds it."
    added+=("$package")
  done
  [ "${#added[@]}" -eq 0 ] && break
  mapfile -t added < <(printf '%s\n' "${added[@]}" | sort -u)
  download "${added[@]}"
  unpack "${added[@]}"
  packages+=("${added[@]}")
done

# --- what a package's installation would have made --------------------------------------------------------------------
root=$out/root
[ -e "$root/usr/bin/sh" ] || ln -s dash "$root/usr/bin/sh"
printf '%s\n' root:x:0:0:root:/root:/usr/sbin/nologin "lenstream:x:$uid:$uid:Lenstream:/home/lenstream:/usr/sbin/nologin" >"$root/etc/passwd"
printf '%s\n' root:x:0: "lenstream:x:$uid:" >"$root/etc/group"
printf 'hosts: files dns\npasswd: files\ngroup: files\n' >"$root/etc/nsswitch.conf"
mkdir -p "$root/tmp" "$root/proc" "$root/dev" "$root/sys" "$root/home/lenstream" "$root/var/lib/lenstream"
rm -rf "$root/etc/update-motd.d" "$root/etc/motd" "$root/root" "$root/media" "$root/mnt" "$root/srv" "$root/boot"
find "$root" -type d -exec chmod 00755 {} + # five digits: also takes a folder's set-group bit away
find "$root" -type f -perm /6000 -exec chmod ug-s {} +
chmod 1777 "$root/tmp" "$root/var/tmp"
mkdir -p "$out/jre/opt"
rm -rf "$out/jre/opt/java"
mv "$out/java" "$out/jre/opt/java"

# --- the archive ------------------------------------------------------------------------------------------------------
same=(--format=gnu --sort=name --mtime=@1 --numeric-owner)
tar "${same[@]}" --owner=0 --group=0 -C "$root" --exclude=./home/lenstream --exclude=./var/lib/lenstream -cf "$out/archive/debian.tar" .
tar "${same[@]}" --owner=$uid --group=$uid -C "$root" -rf "$out/archive/debian.tar" ./home/lenstream ./var/lib/lenstream
tar "${same[@]}" --owner=0 --group=0 -C "$out/jre" -cf "$out/archive/java.tar" ./opt
digest() { sha256sum "$1" | cut -d ' ' -f 1; }
cat >"$out/archive/config.json" <<JSON
{"architecture":"amd64","os":"linux","created":"1970-01-01T00:00:01Z",
"config":{"User":"$uid:$uid","WorkingDir":"/home/lenstream",
"Env":["PATH=/opt/java/bin:/usr/bin","JAVA_HOME=/opt/java","HOME=/home/lenstream","LANG=C.UTF-8"]},
"rootfs":{"type":"layers","diff_ids":["sha256:$(digest "$out/archive/debian.tar")","sha256:$(digest "$out/archive/java.tar")"]}}
JSON
printf '[{"Config":"config.json","RepoTags":["lenstream/base:latest"],"Layers":["debian.tar","java.tar"]}]\n' >"$out/archive/manifest.json"
tar "${same[@]}" --owner=0 --group=0 -C "$out/archive" -cf "$out/base.tar.part" manifest.json config.json debian.tar java.tar
for name in "${packages[@]}"; do
  basename "$(compgen -G "$out/packages/${name}_*.deb" | sort | tail -n 1)" .deb
done | sort >"$out/packages.txt"
mv "$out/base.tar.part" "$out/base.tar"
rm -rf "$out/root" "$out/jre" "$out/archive" "$out/apt"
printf '%s\n' "$key" >"$out/base.key"
say "$(du -m "$out/base.tar" | cut -f 1) MiB from $(wc -l <"$out/packages.txt") packages and Java $(sed -n 's/^JAVA_VERSION="\(.*\)"/\1/p' "$JAVA_HOME/release")"
