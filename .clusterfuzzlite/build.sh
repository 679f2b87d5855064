#!/bin/bash -eu
# Builds every fuzz target with its corpus and dictionary for ClusterFuzzLite, which sets SRC, OUT and SANITIZER.
cd "$SRC/countersign"
export RUSTUP_TOOLCHAIN=nightly

# Target, folder of the package, folder of the build.
build() {
  local package=$1
  cargo fuzz build --fuzz-dir "$package" -O --sanitizer "${SANITIZER:-address}"
  for target in $(cargo fuzz list --fuzz-dir "$package"); do
    cp "$package/target/x86_64-unknown-linux-gnu/release/$target" "$OUT/"
    (cd "$package/corpus/$target" && zip -q -r "$OUT/${target}_seed_corpus.zip" .)
    if [ -f "$package/dictionaries/$target.dict" ]; then
      cp "$package/dictionaries/$target.dict" "$OUT/$target.dict"
    fi
    printf '[libfuzzer]\nmax_len = 8192\nrss_limit_mb = 2048\ntimeout = 20\n' > "$OUT/$target.options"
  done
}

build fuzz
# The SDKs take minutes, which a run of hours does not mind.
build fuzz/world
