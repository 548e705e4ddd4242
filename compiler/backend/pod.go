package backend

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// Tolerations writes the tolerations for taints, or nothing when there are none.
func Tolerations(y *artifact.YAML, taints []ir.Taint) {
	if len(taints) == 0 {
		return
	}
	y.Seq("tolerations", func() {
		for _, t := range taints {
			y.Item(func() {
				y.KV("key", t.Key)
				if t.Value == "" {
					y.KV("operator", "Exists")
				} else {
					y.KV("operator", "Equal")
					y.KV("value", t.Value)
				}
				y.KV("effect", t.Effect)
			})
		}
	})
}

// Taints writes the taints of a node at a key, as its API and the kubelet's configuration have them.
func Taints(y *artifact.YAML, key string, taints []ir.Taint) {
	y.Seq(key, func() {
		for _, t := range taints {
			y.Item(func() {
				y.KV("key", t.Key)
				if t.Value != "" {
					y.KV("value", t.Value)
				}
				y.KV("effect", t.Effect)
			})
		}
	})
}

// PodSysctls writes the sysctls of a gateway's pods into their security context, each with its reason; nothing where there are none.
func PodSysctls(y *artifact.YAML, g *ir.Gateway) {
	if len(g.PodSysctls) == 0 {
		return
	}
	y.Seq("sysctls", func() {
		for _, s := range g.PodSysctls {
			y.From(s.Why, s.From...)
			y.Comment(s.Reason)
			y.Item(func() {
				y.KV("name", s.Key)
				y.KV("value", s.Value)
			})
		}
	})
	y.Fixed()
}

// Resources writes a container's resources with only what is set, or nothing.
func Resources(y *artifact.YAML, r ir.Resources) {
	if r.CPURequest+r.CPULimit+r.MemoryRequest+r.MemoryLimit == "" {
		return
	}
	side := func(key, cpu, memory string) {
		if cpu+memory == "" {
			return
		}
		y.Map(key, func() {
			if cpu != "" {
				y.KV("cpu", cpu)
			}
			if memory != "" {
				y.KV("memory", memory)
			}
		})
	}
	y.Map("resources", func() {
		side("requests", r.CPURequest, r.MemoryRequest)
		side("limits", r.CPULimit, r.MemoryLimit)
	})
}
