package verify

import (
	"regexp"

	"meshgen.dev/meshgen/compiler/artifact"
)

var protectLine = regexp.MustCompile(`(?m)^protectKernelDefaults: true$`)

// protectedSettings are what a kubelet with protectKernelDefaults insists on, exactly (k8s.io/component-helpers,
// node/util/sysctl).
var protectedSettings = map[string]string{
	"vm.overcommit_memory": "1", "vm.panic_on_oom": "0", "kernel.panic": "10", "kernel.panic_on_oops": "1",
	"kernel.keys.root_maxkeys": "1000000", "kernel.keys.root_maxbytes": "25000000",
}

// checkProtected reports settings without which the kubelet of the group would not start, and settings of that kind on
// machines whose kubelet writes them itself.
func (g *hostGroup) checkProtected(p *pass) {
	have := map[string]string{}
	var file *artifact.File
	for i, s := range g.settings {
		if _, ok := protectedSettings[s.key]; ok {
			have[s.key], file = s.value, g.sysctlFiles[i]
		}
	}
	if g.protected == nil {
		if file != nil {
			p.report(file, 0, ruleSysctl, "settings for protectKernelDefaults, which the kubelet of this group does not have")
		}
		return
	}
	for _, key := range sortedKeys(protectedSettings) {
		if have[key] != protectedSettings[key] {
			p.report(g.protected, 0, ruleKubelet, "with protectKernelDefaults the kubelet does not start unless %s is %s, and the group has %q", key, protectedSettings[key], have[key])
		}
	}
}
