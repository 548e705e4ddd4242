package verify

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"meshgen.dev/meshgen/compiler/artifact"
)

// tools are the commands of the meshes' own programs that a document may show, by the words with which each begins, with the
// options that it takes. Read in the source of the releases that the profiles have: istio/istio release-1.29 to release-1.31
// istioctl, linkerd/linkerd2 edge-26.6.3 cli and multicluster; read 2026-11-21.
var tools = map[string][]string{
	"istioctl analyze":                     {"--all-namespaces", "--revision"},
	"istioctl create-remote-secret":        {"--name"},
	"istioctl experimental authz check":    {"-n"},
	"istioctl proxy-config endpoints":      {"-n"},
	"istioctl proxy-config rootca-compare": {},
	"istioctl proxy-config secret":         {"-n"},
	"istioctl proxy-status":                {"--revision", "--verbosity"},
	"istioctl remote-clusters":             {"--revision"},
	"istioctl ztunnel-config certificates": {"-n"},
	"istioctl ztunnel-config log":          {"--istioNamespace", "--level"},
	"istioctl ztunnel-config policies":     {"-n"},
	"istioctl ztunnel-config services":     {"-n", "--service-namespace"},
	"istioctl ztunnel-config workloads":    {"-n"},
	"linkerd authz":                        {"-n"},
	"linkerd check":                        {"-n", "--proxy"},
	"linkerd diagnostics endpoints":        {},
	"linkerd diagnostics policy":           {"-n"},
	"linkerd diagnostics proxy-metrics":    {"-n"},
	"linkerd identity":                     {"-n", "-l"},
	"linkerd multicluster check":           {},
	"linkerd multicluster link-gen":        {"--api-server-address", "--cluster-name", "--gateway=false", "--service-account-name"},
}

// valued are the options whose value is the next word.
var valued = []string{"-n", "-l", "--name", "--revision", "--verbosity", "--service-namespace", "--api-server-address", "--cluster-name", "--service-account-name"}

// checkTools reads the calls of meshes' programs in a line of a document's commands.
func (p *pass) checkTools(f *artifact.File, line int, text string) {
	if !strings.Contains(text, "istio") && !strings.Contains(text, "linkerd") {
		return
	}
	parsed, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if err != nil {
		p.report(f, line, ruleDocuments, "not bash: %v", err)
		return
	}
	syntax.Walk(parsed, func(n syntax.Node) bool {
		call, ok := n.(*syntax.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		name, fault := word(call.Args[0]), ""
		switch name {
		case "istioctl", "linkerd":
			fault = toolFault(callOf(call), text)
		case "helm":
			if p.inTree("gitops/" + p.releases.Site + "/applications") {
				fault = "Argo CD renders the charts of the mesh, and keeps no releases"
			}
		}
		if fault != "" {
			p.report(f, line, ruleDocuments, "%s in %q: %s", name, text, fault)
		}
		return true
	})
}

// A toolCall is a call as its program takes it: words and options apart, without the options' values.
type toolCall struct{ words, options []string }

func callOf(call *syntax.CallExpr) toolCall {
	var c toolCall
	for i := 0; i < len(call.Args); i++ {
		w := word(call.Args[i])
		if !strings.HasPrefix(w, "-") {
			c.words = append(c.words, w)
			continue
		}
		c.options = append(c.options, w)
		if slices.Contains(valued, w) {
			i++
		}
	}
	return c
}

// toolFault says what is wrong with a call in a line, or "".
func toolFault(c toolCall, line string) string {
	name := strings.Join(c.words, " ")
	known := ""
	for k := range tools {
		if name == k || strings.HasPrefix(name, k+" ") {
			known = k
		}
	}
	if known == "" {
		return "no such command"
	}
	for _, o := range c.options {
		if !slices.Contains(tools[known], o) {
			return "it takes no " + o
		}
	}
	has := func(option string) bool { return slices.Contains(c.options, option) }
	status := known == "istioctl proxy-status"
	switch {
	case (status || known == "istioctl remote-clusters") && !has("--revision"):
		return "without --revision it asks the control plane named default, and no other"
	case status && !has("--verbosity") && (strings.Contains(line, "SYNCED") || strings.Contains(line, "STALE")):
		return "it tells this with --verbosity 1 alone"
	case known == "istioctl ztunnel-config certificates" && name == known:
		return "it asks one ztunnel, which is to be named"
	case known == "istioctl ztunnel-config log" && !has("--istioNamespace"):
		return "without --istioNamespace it looks for ztunnel beside istiod, whatever -n says"
	case known == "linkerd identity" && strings.Contains(line, "openssl"):
		return "it prints text, which openssl does not read"
	case known == "linkerd diagnostics policy" && !strings.Contains(name, " pod/"):
		return "it takes a pod as pod/NAME"
	}
	return ""
}
