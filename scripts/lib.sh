# Shared by ./run and ./check; sourced, never run. Steps with times, packages, the build.

started_at=$SECONDS

# One time-stamped line about what happens now.
step() { printf '[%s +%4ds] %s\n' "$(date +%H:%M:%S)" "$((SECONDS - started_at))" "$*"; }

fail() {
  printf '\n✘ %s\n' "$*" >&2
  exit 1
}

# The packages of scripts/packages.txt for `run`, or for `check` (which is all of them), that are
# neither installed nor stood in for by a command. One a line.
missing_packages() {
  local scope=$1 package needed_by command installed
  installed=" $(dpkg-query -W -f '${db:Status-Abbrev}${binary:Package}\n' |
    sed -n 's/^ii *\([^:]*\).*/\1/p' | tr '\n' ' ')"
  while read -r package needed_by command _; do
    case $package in '' | '#'*) continue ;; esac
    [[ $scope == check || $needed_by == run ]] || continue
    [[ $installed != *" $package "* ]] || continue
    [[ $command == - ]] || ! command -v "$command" >/dev/null || continue
    printf '%s\n' "$package"
  done <"$root/scripts/packages.txt"
}

# Installs what is missing for `run` or `check`; says so; does nothing when nothing is.
install_packages() {
  local missing as_root=()
  command -v dpkg-query >/dev/null ||
    fail "This is not a Debian system; install what scripts/packages.txt lists, then build with CMake. 需要 Debian 12。"
  mapfile -t missing < <(missing_packages "$1")
  if ((${#missing[@]} == 0)); then
    step "packages: all installed 软件包齐全"
    return
  fi
  step "packages: installing ${#missing[@]} 正在安装: ${missing[*]}"
  if ((EUID != 0)); then
    command -v sudo >/dev/null ||
      fail "Packages are missing and there is no sudo. As root: apt-get install -y --no-install-recommends ${missing[*]}"
    as_root=(sudo)
    [[ -t 0 ]] || as_root+=(-n)
    as_root+=(env)
  else
    as_root=(env)
  fi
  as_root+=(DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300
    -o Acquire::Retries=3 -o Dpkg::Use-Pty=0)
  "${as_root[@]}" update </dev/null ||
    fail "apt-get update failed; see its lines above. 更新软件源失败。"
  "${as_root[@]}" install -y --no-install-recommends "${missing[@]}" </dev/null ||
    fail "apt-get install failed; see its lines above. 安装软件包失败。"
  step "packages: installed 安装完成"
}

# How many compilers may run at once: one per core, and 1.5 GB of memory for each.
build_jobs() {
  local cores memory_kb by_memory
  cores=$(nproc)
  memory_kb=$(sed -n 's/^MemAvailable: *\([0-9]*\).*/\1/p' /proc/meminfo)
  by_memory=$((memory_kb / 1572864))
  ((by_memory >= 1)) || by_memory=1
  echo $((by_memory < cores ? by_memory : cores))
}

# configure_and_build PRESET BUILD_DIR [TARGET...]: one builder at a time in a build folder.
configure_and_build() {
  local preset=$1 build_dir=$2 jobs
  shift 2
  export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$root} CCACHE_NOHASHDIR=${CCACHE_NOHASHDIR:-1}
  export NINJA_STATUS='[%f/%t %es] '
  mkdir -p "$build_dir"
  exec {build_lock}>"$build_dir/.build.lock"
  if ! flock -n "$build_lock"; then
    step "build: another ./run or ./check is building here; waiting 等待另一个构建结束"
    flock "$build_lock"
  fi
  if [[ ! -f $build_dir/build.ninja ]]; then
    step "configure: preset $preset 配置"
    (cd "$root" && cmake --preset "$preset") ||
      fail "CMake could not configure; see its lines above. 配置失败。"
  fi
  jobs=$(build_jobs)
  step "build: $jobs at a time 正在构建"
  cmake --build "$build_dir" -j "$jobs" ${1+--target "$@"} ||
    fail "The build failed; the first error above is the one to read. 构建失败。"
  step "build: done 构建完成"
  exec {build_lock}>&-
}
