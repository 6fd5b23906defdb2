#!/bin/sh
# Train VAE, model and upscaler in one run on a GPU, where the pictures are drawn too:
#
#     COMFYUI_PATH=… demo/train_gpu.sh FOLDER [MINUTES]
#
# It ends within MINUTES (9) and leaves FOLDER/weights: the three files, one of more than 15 MB in pieces for `cat`, with
# their curves, measures and sheets. INIT=FOLDER begins with the weights there that have the same names; KEEP_ENCODER=1
# leaves the latents those of that VAE. PYTHON names the interpreter. VAE, MODEL and UPSCALER add options to the scripts,
# such as the small sizes of a rehearsal.
set -eu
out=$1 minutes=${2:-9}
here=$(dirname "$0") python=${PYTHON:-python3} init=${INIT:-}
weights=$out/weights
mkdir -p "$weights"

share() { # of the minutes, less 10 % for starts and ends
    "$python" -c "print($minutes * 0.9 * $1)"
}

from() { # --init for a file that is there
    [ -z "$init" ] || [ ! -e "$init/$1.safetensors" ] || echo "--init $init/$1.safetensors"
}

keep() { # part, name of its weights
    cp "$out/$1/$2.safetensors" "$weights"
    for file in curve.csv measures.csv sheet.png; do
        [ ! -e "$out/$1/$file" ] || cp "$out/$1/$file" "$weights/$1_$file"
    done
    if [ "$(wc -c < "$weights/$2.safetensors")" -gt 15000000 ]; then
        split -b 15000000 "$weights/$2.safetensors" "$weights/$2.safetensors." && rm "$weights/$2.safetensors"
    fi
}

vae() { # minutes, options
    # shellcheck disable=SC2046,SC2086  # options, split at spaces
    "$python" "$here/train_vae.py" --out "$out/vae" --batch 256 --images 8000000 --save-every 60 --sheet-every 9999 \
        ${KEEP_ENCODER:+--decoder-only} $(from demo_vae) --minutes "$@" ${VAE:-}
}

vae "$(share 0.2)"
vae "$(share 0.15)" --by-time --adversarial 0.05
keep vae demo_vae
# shellcheck disable=SC2046,SC2086
"$python" "$here/train.py" --out "$out/model" --vae "$weights/demo_vae.safetensors" --minutes "$(share 0.55)" \
    --batch 512 --images 8000000 --lr 1e-3 --by-time --save-every 9999 --sheet-every 9999 $(from demo_model) ${MODEL:-}
keep model demo_model
# shellcheck disable=SC2046,SC2086
"$python" "$here/train_upscaler.py" --out "$out/upscaler" --minutes "$(share 0.1)" --batch 64 --images 800000 \
    --by-time --save-every 9999 --sheet-every 9999 $(from demo_upscaler) ${UPSCALER:-}
keep upscaler demo_upscaler
ls -l "$weights"
