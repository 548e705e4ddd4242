package rules

import (
	"regexp"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// ciliumLabelRules are about labels that pods have and Cilium does not look at.
var ciliumLabelRules = []*check.Rule{CiliumLabelUnseen}

// ciliumUnseen are the keys of labels that are no part of a pod's identity, by how they begin
// (cilium/cilium pkg/labelsfilter/filter.go, defaultLabelPrefixCfg).
var ciliumUnseen = regexp.MustCompile(`^(io\.kubernetes|kubernetes\.io|k8s\.io|.*beta\.kubernetes\.io|statefulset\.kubernetes\.io/pod-name|apps\.kubernetes\.io/pod-index|` +
	`batch\.kubernetes\.io/(job-completion-index|controller-uid)|pod-template-(generation|hash)|controller-revision-hash|controller-uid|annotation|etcd_node)`)

// CiliumLabelUnseen finds services that policies of the pod network cilium select by labels it does not look at.
var CiliumLabelUnseen = &check.Rule{
	ID: "MG5831", Name: "cilium-label-unseen", Severity: diag.Error, On: check.OnSite,
	Doc: `a service is known by a label that the pod network cilium leaves out of identities

Policies select pods by their identity, which is made of their labels but for those that Kubernetes sets for itself, as the
name of a pod of a StatefulSet. What asks for one of those selects no pod: nobody is let in, or nobody is held to anything.
Whoever installs Cilium can have it look at others.
Source: docs.cilium.io 1.20, Limiting Identity-Relevant Labels; cilium/cilium pkg/labelsfilter/filter.go; read on 2026-11-22.`,
	Run: func(p *check.Pass) {
		if p.Site.Kubernetes.CNI.Kind != "cilium" {
			return
		}
		for s := range services(p.Site) {
			if s.Workload == "VM" {
				continue
			}
			for key := range byKey(s.Labels) {
				if ciliumUnseen.MatchString(key) {
					p.Reportf(s.path+"."+site.Join("labels", key), "the pods of %s are known by label %s, which is no part of their identity to the pod network cilium", s.full(), key).
						Related("kubernetes.cni.kind", "the pod network").Hintf("a label of the pods' own, as app.kubernetes.io/name, or leave labels out")
				}
			}
		}
	},
}
