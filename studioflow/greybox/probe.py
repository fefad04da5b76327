"""Renders a little with one variant of Mitsuba and writes ``ok``: a script, run in a process of its own.

A variant may end the process that tries it, as LLVM 15 and 16 do on their first render. The scene has one of each
kind of thing that a greybox has, so that what a real render compiles is compiled here.
"""

from __future__ import annotations

import sys


def main(variant: str) -> None:
    import mitsuba as mi

    mi.set_variant(variant)
    glass = {"type": "roughdielectric", "alpha": 0.1, "int_ior": 1.5}
    cloth = {"type": "principled", "roughness": 0.8, "sheen": 0.5}
    metal = {"type": "roughconductor", "alpha": 0.2}
    scene = mi.load_dict(
        {
            "type": "scene",
            "integrator": {"type": "path", "max_depth": 6, "hide_emitters": True},
            "sensor": {
                "type": "thinlens",
                "aperture_radius": 0.01,
                "focus_distance": 4.0,
                "fov": 40.0,
                "to_world": mi.ScalarTransform4f().look_at([0, 1, 4], [0, 0, 0], [0, 1, 0]),
                "film": {"type": "hdrfilm", "width": 24, "height": 16, "rfilter": {"type": "box"}},
            },
            "floor": {
                "type": "rectangle",
                "to_world": mi.ScalarTransform4f().rotate([1, 0, 0], -90).scale(3),
                "bsdf": {"type": "diffuse"},
            },
            "glass": {"type": "sphere", "center": [-1, 0.5, 0], "radius": 0.4, "bsdf": glass},
            "cloth": {"type": "sphere", "center": [0, 0.5, 0], "radius": 0.4, "bsdf": cloth},
            "metal": {
                "type": "cube",
                "to_world": mi.ScalarTransform4f().translate([1, 0.5, 0]).scale(0.3),
                "bsdf": metal,
            },
            "light": {
                "type": "rectangle",
                "to_world": mi.ScalarTransform4f().look_at([2, 3, 2], [0, 0, 0], [0, 1, 0]),
                "emitter": {"type": "area", "radiance": {"type": "rgb", "value": 3.0}},
            },
            "sky": {"type": "constant", "radiance": {"type": "rgb", "value": 0.1}},
        }
    )
    seen = float(mi.TensorXf(mi.render(scene, spp=4)).array[0])
    if seen == seen and 0.0 <= seen < 1e6:
        sys.stdout.write("ok\n")


if __name__ == "__main__":
    main(sys.argv[1])
