package compiler

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestBackends compiles a site once with each program that speaks BGP for MetalLB; verify judges each as the speakers of
// that program would.
func TestBackends(t *testing.T) {
	native := read(t, filepath.Join(examplesDir, "bru1", "site.cue"))
	for _, c := range []struct {
		name, text string
		has, lacks map[string]string // by file: one text
	}{
		{"native", native,
			map[string]string{"bgppeer.yaml": "holdTime: 6s", "prometheusrule.yaml": `metallb_bgp_session_up{peer="10.90.1.2:179"}`, "RUNBOOK.md": "get configurationstates"},
			map[string]string{"bgppeer.yaml": "keepaliveTime", "prometheusrule.yaml": "frrk8s_", "RUNBOOK.md": "vtysh -c \"$2\"", "service.yaml": "9121"}},
		{"frr", strings.Replace(native, `backend: "native"`, `backend: "frr"`, 1),
			map[string]string{"bgppeer.yaml": "keepaliveTime: 2s", "prometheusrule.yaml": `metallb_bgp_session_up{peer="10.90.1.2"}`, "RUNBOOK.md": "component=speaker", "service.yaml": "9121"},
			map[string]string{"prometheusrule.yaml": "frrk8s_", "RUNBOOK.md": "bgpsessionstates"}},
		{"frr-k8s", strings.Replace(native, `, metallb: backend: "native"`, "", 1),
			map[string]string{"bgppeer.yaml": "connectTime: 10s", "prometheusrule.yaml": `frrk8s_bgp_session_up{peer="10.90.1.2"}`, "RUNBOOK.md": "component=frr-k8s"},
			map[string]string{"prometheusrule.yaml": "metallb_bgp_session_up"}},
		{"large communities", strings.NewReplacer(`, metallb: backend: "native"`, "", `communities: ["65090:100"]`, `communities: ["65090:100", "65090:1:100"]`).Replace(native),
			map[string]string{"bgpadvertisement.yaml": "- large:65090:1:100\n"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := compileText(t, "site.cue", c.text).Tree
			texts := map[string]string{}
			for _, f := range tree.Files() {
				texts[filepath.Base(f.Path())] += string(f.Bytes())
			}
			for file, want := range c.has {
				if !strings.Contains(texts[file], want) {
					t.Errorf("%s lacks %s", file, want)
				}
			}
			for file, not := range c.lacks {
				if strings.Contains(texts[file], not) {
					t.Errorf("%s has %s", file, not)
				}
			}
		})
	}
}
