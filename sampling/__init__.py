"""The joint sampler on the host: all zoom levels are one batch of the host's own sampling.

What happens in a run, from the nodes down to the network and back:

1. Zoom Prompt Schedule encodes a prompt per level and marks its entry of the CONDITIONING with the level
   (`network.level_marks`). Whatever stands between it and the sampler works on all entries alike.
2. `sample_zoom` (Zoom KSampler) counts the levels, makes a `JointPlan` (geometry, noise levels, blending, held levels)
   and calls `JointGuider.sample`. `joint_guider` (Zoom Guider) makes any guider of the host a joint one, which makes
   its plan when one of the host's nodes calls ``sample``. Around `sample_zoom` stands `sample_keeping`, which holds the
   levels that did not change since the node's last run (`keeping`).
3. The host prepares the run: ``sample``, ``outer_sample``. There batches are split into one entry per level
   (`network.batches`, `network.controls_and_hooks`), and the model is loaded with memory for one level.
4. ``inner_sample`` begins a `JointRun`: the host resolves every level's entries on their own. The host's sampler gets
   step noise that is one scene (`noise.step_noise`), repeats steps where asked (`noise.time_travel`), and, with levels
   at sigmas of their own, works in VE terms (`noise.ve_sampler`).
5. The sampler calls the guider with the states of all levels. `JointRun.evaluate` finds which levels are active and
   at which sigma each is (`noise.sigmas`), and lets the host's guidance do its work: CFG, other nodes' patches.
6. Below the guidance the host would call the network with each kind of entries (``calc_cond_batch``).
   `JointRun.ask_network` lays the active levels side by side as one film strip (`network.film_strip`), so that each
   has its own prompts; the network is asked at each level's own sigma; where it does not fit into memory, in portions
   (`network.out_of_memory`).
7. Above the guidance the levels' estimates are made to agree, as latents or as pictures through the VAE
   (`agreement.make_agreement`). The sampler takes its step with those; 5 to 7 repeat.
8. At the end the result is made exactly consistent, held levels get back what they were, and the LATENT has one entry
   per level.

The folders follow that way: ``noise`` is the sampler's side of the guider, ``network`` the model's, ``agreement`` what
the guider does between them. None of them imports another. `host_types` names what is asked of the host's objects.
"""

from .keep_levels import Keeping, sample_keeping
from .zoom_guider import joint_guider
from .zoom_ksampler import SamplingRequest, sample_zoom

__all__ = ["Keeping", "SamplingRequest", "joint_guider", "sample_keeping", "sample_zoom"]
