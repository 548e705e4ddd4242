package verify

import (
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// readStaged is the verifier of overlays beside the site's own: for an incident, or for one step of a change. People
// apply them; the phases do not have them.
func readStaged(f *artifact.File, p *pass) {
	docs := p.documents(f)
	if len(docs) == 0 {
		p.report(f, 0, ruleYAML, "the file holds no object")
	}
	for _, n := range docs {
		o := newObject(f, n)
		if o.value == nil || o.apiVersion == "" || o.kind == "" {
			p.report(f, n.Line, ruleYAML, "a document without apiVersion and kind")
			continue
		}
		p.staged = append(p.staged, o)
		p.count("staged objects").Objects++
	}
}

// stageOf is the folder of a staged object below the overlay: "break-glass/open".
func (p *pass) stageOf(o *object) string {
	return strings.TrimPrefix(path.Dir(o.file.Path()), "kubernetes/overlays/"+p.releases.Site+"/")
}

// changed are the fields in which a staged object may differ from the site's own of the same name, and the values that
// they may then have. In all else it is the same, so that applying it takes nothing away.
var stagedChanges = map[string]map[kindKey]struct {
	path []string
	want any // nil: any
}{
	"break-glass/open": {
		{"security.istio.io", "PeerAuthentication"}: {[]string{"spec", "mtls", "mode"}, "PERMISSIVE"},
		{"policy.linkerd.io", "Server"}:             {[]string{"spec", "accessPolicy"}, "all-unauthenticated"},
		{consulGroup, "ProxyDefaults"}:              {[]string{"spec", "mutualTLSMode"}, "permissive"},
		{consulGroup, "Mesh"}:                       {[]string{"spec", "allowEnablingPermissiveMutualTLS"}, true},
		{consulGroup, "ServiceDefaults"}:            {[]string{"spec", "mutualTLSMode"}, "permissive"},
		{consulGroup, "ServiceIntentions"}:          {[]string{"spec", "sources"}, nil},
	},
	"break-glass/proxyless": {{"", "Namespace"}: {[]string{"metadata"}, nil}},
}

// checkStaged holds staged objects against schemas, as those of the phases, and against what the site has of them.
func (p *pass) checkStaged() {
	if len(p.staged) == 0 {
		return
	}
	sub := newPass(p.tree, p.releases)
	sub.beside = p.objects
	byStage := map[string][]*object{}
	for _, o := range p.staged {
		byStage[p.stageOf(o)] = append(byStage[p.stageOf(o)], o)
	}
	for _, stage := range slices.Sorted(maps.Keys(byStage)) {
		sub.objects = byStage[stage]
		sub.checkSchemas()
		for _, o := range sub.objects {
			sub.checkObject(o)
		}
		sub.checkUnique()
	}
	p.found = append(p.found, sub.found...)
	own := map[string]*object{}
	for _, o := range p.objects {
		if strings.HasPrefix(o.file.Path(), "kubernetes/") && o.within == nil {
			own[o.group+" "+o.String()] = o
		}
	}
	for _, o := range p.staged {
		stage := p.stageOf(o)
		was := own[o.group+" "+o.String()]
		switch change, known := stagedChanges[stage][kindKey{o.group, o.kind}]; {
		case was == nil && strings.HasPrefix(stage, "break-glass/") && str(o.value, "metadata", "labels", "meshgen.dev/stage") != "break-glass":
			o.report(p, ruleStaged, nil, "the site has no such object, and nothing marks it for the way back")
		case was == nil && o.namespace != "" && own[" Namespace "+o.namespace] == nil:
			o.report(p, ruleStaged, nil, "there is no namespace %q", o.namespace)
		case was == nil || !known:
		case change.want != nil && get(o.value, change.path...) != change.want:
			o.report(p, ruleStaged, change.path, "it is not %v", change.want)
		case !reflect.DeepEqual(less(o.value, change.path), less(was.value, change.path)):
			o.report(p, ruleStaged, nil, "it differs from the site's own in more than %s", fieldPath(change.path))
		}
	}
	p.checkBreakGlass(byStage["break-glass/open"], byStage["break-glass/proxyless"], own)
	p.checkMigrations(byStage)
}

// less is an object without one field.
func less(v map[string]any, at []string) map[string]any {
	out := maps.Clone(v)
	if len(at) == 1 {
		delete(out, at[0])
	} else {
		out[at[0]] = less(dict(v, at[0]), at[1:])
	}
	return out
}

// outLabels say that a namespace's pods start without the mesh's proxy.
func isOut(o *object) bool {
	return str(o.value, "metadata", "labels", "istio-injection") == "disabled" || str(o.value, "metadata", "labels", "istio.io/dataplane-mode") == "none" || str(o.value, "metadata", "annotations", "linkerd.io/inject") == "disabled" ||
		str(o.value, "metadata", "labels", consulGroup+"/connect-inject") == "false"
}

// checkBreakGlass: what refuses is lifted everywhere, before proxies go; where they go, all of the namespace's other
// labels stay.
func (p *pass) checkBreakGlass(open, out []*object, own map[string]*object) {
	has := func(list []*object, is func(*object) bool) bool { return slices.ContainsFunc(list, is) }
	for _, was := range slices.Concat(p.objects, p.staged) { // stages of a migration may be in force, too
		strict := was.is("security.istio.io", "PeerAuthentication") && str(was.value, "spec", "mtls", "mode") == "STRICT"
		lifted := len(out) > 0 && (strict || was.is(linkerdGroup, "Server")) || len(open) > 0 && p.consulRefuses(was)
		if lifted && !has(open, func(o *object) bool { return o.String() == was.String() }) {
			was.report(p, ruleStaged, nil, "break-glass/open does not lift it")
		}
	}
	p.checkConsulGlass(open, out)
	p.checkAmbientGlass(open, out, own)
	p.checkCiliumGlass(open)
	for _, o := range out {
		was := own[o.group+" "+o.String()]
		if !o.is("", "Namespace") || was == nil || !isOut(o) || isOut(was) {
			o.report(p, ruleStaged, nil, "not a namespace that leaves the mesh")
			continue
		}
		for _, field := range []string{"labels", "annotations"} {
			for key, v := range dict(was.value, "metadata", field) {
				if key != "istio.io/rev" && key != "linkerd.io/inject" && key != consulGroup+"/connect-inject" && ambientOptions[key] == nil && key != "istio.io/use-waypoint" && str(o.value, "metadata", field, key) != v {
					o.report(p, ruleStaged, fieldPath{"metadata", field}, "%s is not that of the site", key)
				}
			}
		}
		istio := has(p.objects, func(x *object) bool { return x.group == "security.istio.io" })
		if istio && !has(open, func(x *object) bool {
			rules := list(x.value, "spec", "rules")
			return x.is("security.istio.io", "AuthorizationPolicy") && x.namespace == o.name && str(x.value, "spec", "action") == "ALLOW" &&
				len(rules) == 1 && len(dict(rules[0])) == 0 && !hasAny(x.value, "selector", "targetRefs")
		}) {
			o.report(p, ruleStaged, nil, "no policy of break-glass/open admits everybody there")
		}
	}
}

func hasAny(v any, fields ...string) bool {
	return slices.ContainsFunc(fields, func(f string) bool { return has(v, "spec", f) })
}

// checkMigrations: each stage of a namespace says its mode, and stages that follow each other never skip one that takes
// plain text.
func (p *pass) checkMigrations(byStage map[string][]*object) {
	for stage, objects := range byStage {
		parts := strings.Split(stage, "/")
		if parts[0] != "migration" || len(parts) != 3 {
			continue
		}
		for _, before := range []string{"observe", "permissive"} {
			if parts[2] == "strict" && byStage["migration/"+parts[1]+"/"+before] == nil {
				p.missing(ruleStaged, "migration/%s has no stage %s before strict", parts[1], before)
			}
		}
		if p.isConsul() {
			p.checkConsulStage(parts[1], parts[2], objects)
			continue
		}
		if slices.ContainsFunc(objects, func(o *object) bool { return o.is(linkerdGroup, "Server") }) {
			p.checkLinkerdStage(parts[1], parts[2], objects)
			continue
		}
		mode := "PERMISSIVE"
		if parts[2] == "strict" {
			mode = "STRICT"
		}
		n := 0
		p.checkStageWhole(parts[1], parts[2], objects)
		for _, o := range objects {
			if o.namespace != parts[1] {
				o.report(p, ruleStaged, nil, "it is not of namespace %s", parts[1])
			}
			if o.is("security.istio.io", "PeerAuthentication") {
				if n++; str(o.value, "spec", "mtls", "mode") != mode {
					o.report(p, ruleStaged, fieldPath{"spec", "mtls", "mode"}, "it is not %s", mode)
				}
			}
			was := slices.IndexFunc(p.objects, func(x *object) bool { return x.group == o.group && x.String() == o.String() })
			if o.kind == "AuthorizationPolicy" && was >= 0 && !reflect.DeepEqual(get(o.value, "spec", "selector"), get(p.objects[was].value, "spec", "selector")) {
				o.report(p, ruleStaged, fieldPath{"spec", "selector"}, "it is not for the pods of the site's own")
			}
		}
		if n != 1 {
			p.missing(ruleStaged, "migration/%s/%s says no mode of mutual TLS, or two", parts[1], parts[2])
		}
	}
}

// checkStageWhole: a stage has the modes and policies of its namespace that the site has, and no others. Then applying it
// takes the place of any other stage, and delivering the site that of any stage: nothing stays behind.
func (p *pass) checkStageWhole(namespace, stage string, objects []*object) {
	ours := func(o *object) bool {
		return o.namespace == namespace && (o.is("security.istio.io", "PeerAuthentication") ||
			o.is("security.istio.io", "AuthorizationPolicy") && str(o.value, "spec", "action") == "ALLOW" && has(o.value, "spec", "selector"))
	}
	for _, own := range p.objects {
		if ours(own) && !slices.ContainsFunc(objects, func(o *object) bool { return o.group == own.group && o.String() == own.String() }) {
			own.report(p, ruleStaged, nil, "migration/%s/%s leaves it as it is", namespace, stage)
		}
	}
	for _, o := range objects {
		if !slices.ContainsFunc(p.objects, func(own *object) bool { return ours(own) && own.group == o.group && own.String() == o.String() }) {
			o.report(p, ruleStaged, nil, "the site has no such object: delivered, it would leave this one as it is")
		}
	}
}
