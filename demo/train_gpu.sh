#!/bin/sh
# Train everything of the demo in one run on a GPU, where the pictures are drawn too, from what there is so far:
#
#     COMFYUI_PATH=… INIT=FOLDER_WITH_WEIGHTS demo/train_gpu.sh FOLDER [MINUTES]
#
# INIT holds at least demo_vae.safetensors, whose encoder stays as it is, and what else is to go on. The run ends within
# MINUTES (9) and leaves FOLDER/weights: demo_vae, demo_model, demo_few_steps, demo_lora and demo_upscaler, with curves,
# measures, sheets and logs. Latents, model, its few-step variant and the forest's LoRA are made one after the other;
# decoder and upscaler meanwhile, since drawing keeps the processor busy and the GPU idle. PYTHON names the interpreter.
# LATENTS, VAE, MODEL, FEW_STEPS, LORA and UPSCALER add options to the scripts, such as the small sizes of a rehearsal.
set -eu
out=$1 minutes=${2:-9}
here=$(dirname "$0") python=${PYTHON:-python3} init=${INIT:?}
weights=$out/weights vae=$init/demo_vae.safetensors
mkdir -p "$weights"

share() { # of the minutes
    echo "$minutes $1" | awk '{ print $1 * $2 }'
}

part() { # name, share of the minutes, script, options
    name=$1 time=$(share "$2") script=$3
    shift 3
    [ ! -e "$init/$name.safetensors" ] || set -- --init "$init/$name.safetensors" "$@"
    "$python" "$here/$script" --out "$out/$name" --minutes "$time" --by-time --images 90000000 \
        --save-every 9999 --sheet-every 9999 "$@" > "$weights/$name.log" 2>&1
    cp "$out/$name/$name.safetensors" "$weights"
    for made in curve.csv measures.csv sheet.png; do
        [ ! -e "$out/$name/$made" ] || cp "$out/$name/$made" "$weights/${name}_$made"
    done
}

# shellcheck disable=SC2086  # options, split at spaces
{
    {
        part demo_vae 0.4 train_vae.py --decoder-only --adversarial 0.1 --energy 1 --pixels 0.25 --again 1 \
            --worlds universe forest --kept 2048 --batch 256 ${VAE:-}
        part demo_upscaler 0.35 train_upscaler.py --vae "$weights/demo_vae.safetensors" --batch 128 --views 512 \
            ${UPSCALER:-}
    } &
    for world in universe forest; do
        "$python" "$here/cache_latents.py" --out "$out/latents_$world" --vae "$vae" --minutes "$(share 0.06)" \
            --images 90000000 --batch 2048 --each 2048 --world "$world" ${LATENTS:-} > "$weights/$world.log" 2>&1
    done
    part demo_model 0.4 train.py --vae "$vae" --latents "$out/latents_universe" --batch 512 --lr 1e-3 ${MODEL:-}
    part demo_few_steps 0.18 distill.py --teacher "$weights/demo_model.safetensors" --vae "$vae" \
        --latents "$out/latents_universe" --batch 256 --lr 3e-4 ${FEW_STEPS:-}
    part demo_lora 0.15 train_lora.py --model "$weights/demo_model.safetensors" --vae "$vae" \
        --latents "$out/latents_forest" --batch 256 --lr 2e-3 ${LORA:-}
    cp "$out/demo_lora/demo_model.safetensors" "$weights" # the same, with the forest's words
    wait $!
}
ls -l "$weights"
