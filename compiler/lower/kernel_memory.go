package lower

import (
	"fmt"
	"strconv"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// protectedSettings are those that the kubelet wants with protectKernelDefaults, and sets by itself without: for all of them
// it compares the exact value. Source: kubernetes pkg/kubelet/cm/container_manager_linux.go setupKernelTunables, and
// k8s.io/component-helpers/node/util/sysctl, read 2026-11-21.
var protectedSettings = [][2]string{
	{"vm.overcommit_memory", "1"},
	{"vm.panic_on_oom", "0"},
	{"kernel.panic", "10"},
	{"kernel.panic_on_oops", "1"},
	{"kernel.keys.root_maxkeys", "1000000"},
	{"kernel.keys.root_maxbytes", "25000000"},
}

// kernelMemory lists the settings that a class asks for besides those that every machine needs.
func kernelMemory(name string, class *site.NodeClass) []ir.Sysctl {
	var out []ir.Sysctl
	if h := class.HugePages; h != nil && h.Size == "2Mi" {
		out = append(out, ir.Sysctl{Key: "vm.nr_hugepages", Value: strconv.Itoa(h.Count), Why: "host/huge-pages", From: ir.From{site.Join("nodeClasses", name, "hugePages")},
			Reason: "of 2 MiB, the size of a kernel without default_hugepagesz; whole only at boot, when memory is in one piece. The kubelet counts them at its start"})
	}
	if class.ProtectKernelDefaults {
		for _, kv := range protectedSettings {
			out = append(out, ir.Sysctl{Key: kv[0], Value: kv[1], Why: "host/protect-kernel-defaults", From: ir.From{site.Join("nodeClasses", name, "protectKernelDefaults")},
				Reason: "exactly this, or the kubelet does not start: protectKernelDefaults"})
		}
	}
	return out
}

// hugePages is what a class sets aside; nil for nothing.
func (l *lowering) hugePages(class string) *ir.HugePages {
	h := l.s.NodeClasses[class].HugePages
	if h == nil {
		return nil
	}
	out := &ir.HugePages{Size: h.Size, Count: h.Count, From: ir.From{site.Join("nodeClasses", class, "hugePages")},
		MiB: int(site.ParseQuantity(h.Size) >> 20 * int64(h.Count))}
	if h.Size == "1Gi" {
		out.Args = fmt.Sprintf("hugepagesz=1G hugepages=%d", h.Count)
	}
	return out
}
