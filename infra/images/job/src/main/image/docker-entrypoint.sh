#!/bin/sh
# Entry point of the job image. The first argument says which process this container is; these are the words that the
# Flink Kubernetes operator (standalone mode) and Flink's own image use. POSIX shell built-ins only: there is no other tool here.
set -eu
cd "$FLINK_HOME"

usage() {
  printf '%s\n' \
    'usage: standalone-job [--job-classname CLASS] [--fromSavepoint PATH] [-D key=value]... [program arguments]' \
    '           JobManager that runs one job (application mode); default class: lenstream.job.ImageIndexProgram' \
    '       jobmanager [-D key=value]...      JobManager that waits for jobs (session mode)' \
    '       taskmanager [-D key=value]...     TaskManager' \
    '       check --config FILE               says whether the job accepts its configuration' \
    '       help' \
    'Settings: '"$FLINK_CONF_DIR"'/config.yaml, then lines "key: value" in $FLINK_PROPERTIES, then -D.' \
    '$JOB_MANAGER_RPC_ADDRESS is the JobManager'"'"'s host. The job reads its own file, by default /etc/lenstream/index.yaml.'
}

# What Flink 2.3's own configuration opens of the JDK, and JNI for RocksDB, ONNX Runtime and OpenCV.
opens='--add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED --add-exports=java.security.jgss/sun.security.krb5=ALL-UNNAMED'
for package in java.lang java.net java.io java.nio sun.nio.ch java.lang.reflect java.text java.time java.util java.util.concurrent \
  java.util.concurrent.atomic java.util.concurrent.locks; do
  opens="$opens --add-opens=java.base/$package=ALL-UNNAMED"
done
opens="$opens --enable-native-access=ALL-UNNAMED"
# JDK 24 and newer warn about every use of sun.misc.Unsafe; older ones do not know the option
. "$JAVA_HOME/release"
case $JAVA_VERSION in 2[1-3]*) ;; *) opens="$opens --sun-misc-unsafe-memory-access=allow" ;; esac
opens="$opens -Dorg.bytedeco.javacpp.noPointerGC=true -Dorg.bytedeco.javacpp.cachedir=/tmp/javacpp -Djava.awt.headless=true"

classpath="$FLINK_HOME/lib/*"
# A JVM loads a native library for one class loader only, and Flink makes a new one for a job that restarts: libraries
# with native code are therefore loaded by the system class loader (config.yaml: parent-first patterns).
for jar in "$FLINK_HOME"/usrlib/libs/onnxruntime-*.jar "$FLINK_HOME"/usrlib/libs/javacpp-*.jar "$FLINK_HOME"/usrlib/libs/opencv-*.jar \
  "$FLINK_HOME"/usrlib/libs/openblas-*.jar "$FLINK_HOME"/usrlib/libs/ffmpeg-*.jar; do
  classpath="$classpath:$jar"
done

log=$FLINK_CONF_DIR/log4j-console.properties # what the operator mounts
[ -r "$log" ] || log=/etc/lenstream/log4j2.properties

# Settings from the environment become -D arguments.
settings() {
  [ -z "${JOB_MANAGER_RPC_ADDRESS:-}" ] || printf '%s\n' "jobmanager.rpc.address=$JOB_MANAGER_RPC_ADDRESS"
  printf '%s\n' "${FLINK_PROPERTIES:-}" | while IFS= read -r line; do
    case $line in *': '*) printf '%s\n' "${line%%: *}=${line#*: }" ;; esac
  done
}

# Runs a Flink process: $1 its main class, $2 the memory to compute (JM or TM), the rest its arguments.
flink() {
  main=$1 kind=$2
  shift 2
  all=$(settings)
  while IFS= read -r setting; do
    [ -z "$setting" ] || set -- -D "$setting" "$@"
  done <<SETTINGS
$all
SETTINGS
  # Flink computes heap, direct memory and the parts' sizes from the configured total, as its own scripts let it.
  # shellcheck disable=SC2086
  sizes=$(java -XX:TieredStopAtLevel=1 -Dlog4j2.level=OFF $opens -cp "$FLINK_HOME/lib/*" org.apache.flink.runtime.util.bash.BashJavaUtils \
    "GET_${kind}_RESOURCE_PARAMS" --configDir "$FLINK_CONF_DIR" "$@")
  jvm='' dynamic=''
  while IFS= read -r line; do
    case $line in
      'BASH_JAVA_UTILS_EXEC_RESULT:'*)
        if [ -z "$jvm" ]; then jvm=${line#*:}; else dynamic=${line#*:}; fi
        ;;
    esac
  done <<SIZES
$sizes
SIZES
  [ -n "$jvm" ] || { printf 'Flink did not accept the memory settings:\n%s\n' "$sizes" >&2; exit 1; }
  # shellcheck disable=SC2086
  exec java $jvm $opens -XX:+ExitOnOutOfMemoryError "-Dlog4j.configurationFile=$log" -cp "$classpath" "$main" --configDir "$FLINK_CONF_DIR" $dynamic "$@"
}

role=${1:-help}
[ $# -eq 0 ] || shift
case $role in
  standalone-job)
    case " $* " in
      *' --job-classname '* | *' -j '*) ;;
      *) set -- --job-classname lenstream.job.ImageIndexProgram "$@" ;;
    esac
    flink org.apache.flink.container.entrypoint.StandaloneApplicationClusterEntryPoint JM "$@"
    ;;
  jobmanager) flink org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint JM "$@" ;;
  taskmanager) flink org.apache.flink.runtime.taskexecutor.TaskManagerRunner TM "$@" ;;
  check)
    # shellcheck disable=SC2086
    exec java $opens "-Dlog4j.configurationFile=$log" -cp "$FLINK_HOME/lib/*:$FLINK_HOME/usrlib/libs/*" lenstream.job.ImageIndexProgram --check "$@"
    ;;
  help | --help | -h) usage ;;
  *)
    printf 'unknown: %s\n' "$role" >&2
    usage >&2
    exit 2
    ;;
esac
