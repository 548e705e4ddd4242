package verify

import (
	"slices"
	"strings"
)

// checkScript holds the steps of install.sh against the tree.
func (p *pass) checkScript(s *script) {
	p.checkDelivered(s.file, s.charts())
	p.checkNodeSteps(s)
	p.checkFolderSteps(s)
	p.checkSecretSteps(s)
	p.checkWaits(s)
	p.checkDriverSteps(s)
	p.checkKindsFirst(s)
}

// checkDriverSteps: the driver that every proxy waits for is looked for before anything is installed, and no other.
func (p *pass) checkDriverSteps(s *script) {
	at := s.index("driver", spireDriver)
	if p.releases.SPIRE && (at < 0 || at > s.index("complete", "")) {
		p.report(s.file, 0, ruleDelivery, "nobody looks for driver %s before the first chart: every pod of the mesh waits for it", spireDriver)
	}
	for _, st := range s.steps {
		if st.name == "driver" && (!p.releases.SPIRE || st.args[0] != spireDriver) {
			p.report(s.file, st.line, ruleDelivery, "no pod mounts what driver %q gives", st.args[0])
		}
	}
}

// checkKindsFirst: the operator of Cilium looks for the kinds of the Gateway API as it starts, and never again.
func (p *pass) checkKindsFirst(s *script) {
	for name, chart := range p.releases.Charts {
		v := p.values[name]
		if chart.Name != "cilium" || v == nil || get(v.value, "gatewayAPI", "enabled") != true {
			continue
		}
		kinds := slices.IndexFunc(s.steps, func(st step) bool {
			return st.name == "wait_for" && strings.HasSuffix(st.args[1], ".gateway.networking.k8s.io")
		})
		if at := s.index("chart", name); at >= 0 && (kinds < 0 || kinds > at) {
			p.report(s.file, s.steps[at].line, ruleDelivery, "its operator starts before the kinds of the Gateway API are there, and serves none")
		}
	}
}

// checkNodeSteps: every Node of the tree is looked for, and nothing else, before one is touched.
func (p *pass) checkNodeSteps(s *script) {
	labelled := s.index("label_nodes", "")
	want := map[string]bool{}
	for _, o := range p.objects {
		if o.is("", "Node") {
			want[o.name] = true
		}
	}
	last := -1
	for i, st := range s.steps {
		if st.name != "node" {
			continue
		}
		if !want[st.args[0]] {
			p.report(s.file, st.line, ruleDelivery, "node %q is none of the tree, or stands twice", st.args[0])
		}
		delete(want, st.args[0])
		last = i
	}
	for name := range want {
		p.report(s.file, 0, ruleDelivery, "nobody looks whether node %s has joined", name)
	}
	if last >= 0 && (labelled < last || !slices.ContainsFunc(s.steps[last:labelled], func(st step) bool { return st.name == "complete" })) {
		p.report(s.file, s.steps[last].line, ruleDelivery, "nodes are labelled before it is known that all have joined")
	}
	file := "kubernetes/overlays/" + p.releases.Site + "/00-nodes/configmap.yaml"
	if (p.tree.Lookup(file) != nil) != (s.index("kube_proxy", "") >= 0) {
		p.report(s.file, 0, ruleDelivery, "kube_proxy is not called where, and only where, %s exists", file)
	}
}

// checkFolderSteps: every folder of the overlay is applied once, in order, behind the charts that its objects need.
func (p *pass) checkFolderSteps(s *script) {
	var applied []string
	for _, st := range s.steps {
		if st.name == "apply" {
			applied = append(applied, st.args[0])
		}
	}
	want := slices.DeleteFunc(p.phaseFolders(), func(f string) bool {
		return p.folderHas(f, func(o *object) bool { return o.is("", "Node") })
	})
	if !slices.Equal(applied, want) {
		p.report(s.file, 0, ruleDelivery, "it applies the folders %v, and the overlay has %v", applied, want)
	}
	for _, folder := range applied {
		at := s.index("apply", folder)
		p.folderHas(folder, func(o *object) bool {
			chart := p.needsChart(o)
			if chart == "" {
				return false
			}
			c := s.index("chart", chart)
			if c < 0 || c > at {
				p.report(s.file, s.steps[at].line, ruleDelivery, "%s is applied before chart release %s", o, chart)
			}
			return true // of one release at most: a folder is of one phase
		})
	}
}

// checkSecretSteps: each Secret that an object reads is looked for with its keys, unless a Certificate of the tree makes
// it, before a chart is installed.
func (p *pass) checkSecretSteps(s *script) {
	// The pod network comes before what makes Secrets, which runs in pods.
	first := slices.IndexFunc(s.steps, func(st step) bool {
		return st.name == "chart" && p.releases.Charts[st.args[0]].Name != "cilium"
	})
	for _, ref := range p.secretRefs {
		if strings.HasPrefix(ref.MadeBy, "Certificate ") {
			continue
		}
		at := slices.IndexFunc(s.steps, func(st step) bool {
			return st.name == "secret" && st.args[0] == ref.Namespace && st.args[1] == ref.Name
		})
		switch {
		case ref.Late && at >= 0:
			p.report(s.file, s.steps[at].line, ruleDelivery, "it waits for Secret %s/%s, which another site makes that may wait for this one", ref.Namespace, ref.Name)
		case ref.Late:
		case at < 0:
			p.report(s.file, 0, ruleDelivery, "nobody looks for Secret %s/%s, which %s reads", ref.Namespace, ref.Name, ref.By)
		case ref.First && (at > s.chartStep("cilium", p) || ref.MadeBy != ""):
			p.report(s.file, s.steps[at].line, ruleDelivery, "Secret %s/%s is looked for behind the pod network, which waits for it", ref.Namespace, ref.Name)
		case first >= 0 && at > first:
			p.report(s.file, s.steps[at].line, ruleDelivery, "Secret %s/%s is looked for behind the first chart", ref.Namespace, ref.Name)
		default:
			for _, key := range ref.Keys {
				if !slices.Contains(s.steps[at].args[2:], key) {
					p.report(s.file, s.steps[at].line, ruleDelivery, "nobody looks for key %s of Secret %s/%s, which %s reads", key, ref.Namespace, ref.Name, ref.By)
				}
			}
		}
	}
}

// chartStep is the step that installs a release of a chart; behind all where none does.
func (s *script) chartStep(chart string, p *pass) int {
	at := slices.IndexFunc(s.steps, func(st step) bool { return st.name == "chart" && p.releases.Charts[st.args[0]].Name == chart })
	if at < 0 {
		return len(s.steps)
	}
	return at
}

// waitedKinds are those of the tree that become ready some time after they are applied.
var waitedKinds = words("ExternalSecret.external-secrets.io Certificate.cert-manager.io Gateway.gateway.networking.k8s.io EgressGateway.operator.tigera.io")

// checkWaits: objects that become ready later are waited for, behind the folder that has them; others are not.
func (p *pass) checkWaits(s *script) {
	waited := map[string]bool{}
	for i, st := range s.steps {
		if st.name != "wait_for" {
			continue
		}
		kind, name, _ := strings.Cut(st.args[1], "/")
		for _, o := range p.objects {
			if strings.EqualFold(o.kind+"."+o.group, kind) && o.name == name && o.namespace == st.args[0] {
				folder := strings.Split(o.file.Path(), "/")[3]
				if at := s.index("apply", folder); at < 0 || at > i {
					p.report(s.file, st.line, ruleDelivery, "it waits for %s before it applies %s", o, folder)
				}
				waited[o.String()] = true
			}
		}
		for known := range waitedKinds {
			if strings.EqualFold(known, kind) && !waited[known[:strings.IndexByte(known, '.')]+" "+st.args[0]+"/"+name] {
				p.report(s.file, st.line, ruleDelivery, "it waits for %s of namespace %s, which is not in the tree", st.args[1], st.args[0])
			}
		}
	}
	for _, o := range p.objects {
		late := o.kind == "ExternalSecret" && slices.Contains(p.releases.LateSecrets, o.namespace+"/"+o.name)
		if (waitedKinds[o.kind+"."+o.group] || consulMakes(o)) && !waited[o.String()] && !late {
			p.report(s.file, 0, ruleDelivery, "nobody waits for %s", o)
		}
	}
	// The default validator refuses every Istio object until istiod has filled in its CA.
	for name, c := range p.releases.Charts {
		at := s.index("chart", name)
		if c.Name == "istiod" && at >= 0 && !slices.ContainsFunc(s.steps[at:min(at+3, len(s.steps))], func(st step) bool {
			return st.name == "wait_for" && strings.HasPrefix(st.args[1], "validatingwebhookconfiguration.")
		}) {
			p.report(s.file, s.steps[at].line, ruleDelivery, "nobody waits for istiod's webhook")
		}
	}
}
