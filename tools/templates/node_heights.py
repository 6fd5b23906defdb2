"""How high nodes are on the screen, so that those below them in a column have room.

The front end draws a node as high as it needs to be, whatever a workflow file says. These are the heights after a run
with live previews, with two lines of text below the widgets of the nodes that say something while they run, in classic
nodes or Nodes 2.0, whichever is the higher one. tests/browser/test_workflow_layout.py sees to it that they suffice.
"""

HEIGHTS = {
    "BetaSamplingScheduler": 140,
    "CFGGuider": 140,
    "CheckpointLoaderSimple": 130,
    "ChromaRadianceOptions": 240,
    "CLIPLoader": 140,
    "CLIPTextEncode": 140,
    "EmptyChromaRadianceLatentImage": 140,
    "EmptyFlux2LatentImage": 140,
    "EmptyLatentImage": 140,
    "EmptySD3LatentImage": 140,
    "Flux2Scheduler": 140,
    "ImageUpscaleWithModel": 80,
    "KSampler": 560,
    "KSamplerSelect": 80,
    "LoadImage": 400,
    "LoraLoader": 170,
    "LoraLoaderModelOnly": 120,
    "ModelSamplingAuraFlow": 80,
    "PrimitiveStringMultiline": 200,
    "RandomNoise": 120,
    "SamplerCustomAdvanced": 620,
    "SaveImage": 320,
    "SaveVideo": 540,
    "StringConcatenate": 220,
    "T5TokenizerOptions": 110,
    "UNETLoader": 110,
    "UpscaleModelLoader": 80,
    "VAEDecode": 70,
    "VAELoader": 80,
    "ZoomDemoModel": 100,
    "ZoomGeometry": 280,
    "ZoomGuider": 480,
    "ZoomHeldLevels": 180,
    "ZoomKSampler": 890,
    "ZoomAnchorPhoto": 300,
    "ZoomPromptSchedule": 620,
    "ZoomStack": 280,
    "ZoomVideo": 930,
    "ZoomViewer": 580,
}
