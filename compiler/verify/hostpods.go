package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// hostPodsNamespace is where pods write files of machines.
const hostPodsNamespace = "meshgen-hosts"

// hostPodsPrefix begins the name of a ConfigMap with the files of a group; the group's name is the rest.
const hostPodsPrefix = "files-"

// planLine is a line of the plan that the script reads: key, path, action, service.
var planLine = regexp.MustCompile(`^([A-Za-z0-9._-]+) (/\S+) ([a-z]+) (-|[a-z0-9-]+\.service)$`)

// actionOf is what must follow a change of a file, by its path; "" for a path that no machine has.
func actionOf(onHost string) string {
	switch dir := path.Dir(onHost); {
	case dir == "/etc/modules-load.d":
		return "modules"
	case dir == "/etc/modprobe.d":
		return "table"
	case dir == "/etc/sysctl.d":
		return "sysctls"
	case dir == "/etc/chrony" || onHost == "/etc/chrony.conf" || dir == "/etc/ntpsec" || onHost == "/etc/default/ntpsec" || dir == "/etc/systemd/timesyncd.conf.d":
		return "restart"
	case dir == "/etc/meshgen" || dir == "/etc/systemd/system":
		return "unit"
	case strings.HasSuffix(dir, "/manifests") || strings.HasSuffix(dir, "/pod-manifests"):
		return "none"
	case isHostPath(onHost):
		return "notice"
	}
	return ""
}

// carryHostPods takes the files that ConfigMaps carry to machines, before carried files are read, and holds each group's
// pods against them.
func (p *pass) carryHostPods() {
	script := p.find("", "ConfigMap", hostPodsNamespace, "script")
	groups := map[string]*object{}
	for _, o := range p.objects {
		group, ok := strings.CutPrefix(o.name, hostPodsPrefix)
		switch {
		case o.namespace != hostPodsNamespace:
		case o.is("", "ConfigMap") && ok:
			groups[group] = o
		case o.is("", "ConfigMap") && o == script, o.is("apps", "DaemonSet"):
		case o.is("external-secrets.io", "ExternalSecret"): // with what the registry asks for
		default:
			o.report(p, ruleHostForms, nil, "nothing of %s but what writes files of machines", hostPodsNamespace)
		}
	}
	if script == nil {
		for _, group := range sortedKeys(groups) {
			groups[group].report(p, ruleHostForms, nil, "there is no script that writes the files")
		}
		return
	}
	p.checkApplyScript(script)
	for _, group := range sortedKeys(groups) {
		o := groups[group]
		p.carryGroup(o, group, str(script.value, "data", "apply.sh"))
		if ds := p.find("apps", "DaemonSet", hostPodsNamespace, group); ds == nil {
			o.report(p, ruleHostForms, nil, "no DaemonSet writes the files of group %s", group)
		} else {
			p.checkHostPods(ds, group, str(o.value, "data", "revision"))
		}
	}
	for _, o := range p.objects {
		if o.is("apps", "DaemonSet") && o.namespace == hostPodsNamespace && groups[o.name] == nil {
			o.report(p, ruleHostForms, nil, "there are no files of group %s", o.name)
		}
	}
}

// carryGroup takes the files of one group, in the order of its plan.
func (p *pass) carryGroup(o *object, group, script string) {
	fail := func(format string, args ...any) { o.report(p, ruleHostForms, fieldPath{"data"}, format, args...) }
	data := dict(o.value, "data")
	folder := "hosts/" + siteOfOverlay(o.file) + "/" + group
	used := map[string]bool{"plan": true, "revision": true}
	there := map[string]bool{}
	sum := sha256.New()
	sum.Write([]byte(script + str(data, "plan")))
	for line := range strings.Lines(str(data, "plan")) {
		m := planLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil || !strings.HasSuffix(line, "\n") {
			fail("the plan has a line that its reader takes for something else: %q", line)
			continue
		}
		key, onHost, action, service := m[1], m[2], m[3], m[4]
		if _, ok := data[key]; !ok || used[key] {
			fail("the plan writes %s from key %q, which is not there or stands twice", onHost, key)
		}
		used[key], there[onHost] = true, true
		if want := actionOf(onHost); action != want {
			fail("a change of %s leads to %q, and should lead to %q", onHost, action, want)
		}
		if named := service != "-"; named != slices.Contains([]string{"restart", "unit", "notice"}, action) {
			fail("action %s of %s with service %q", action, onHost, service)
		}
		text := str(data, key)
		sum.Write([]byte(text))
		p.carryTo(o.file, folder, onHost, "0644", []byte(text))
	}
	for _, key := range sortedKeys(data) {
		if !used[key] {
			fail("nothing writes what stands under %s", key)
		}
	}
	if want := hex.EncodeToString(sum.Sum(nil))[:32]; str(data, "revision") != want {
		fail("the revision is not that of script, plan and files: pods would not be replaced with a change")
	}
	for _, f := range p.tree.Files() {
		if onHost, ok := strings.CutPrefix(f.Path(), folder+"/"); ok && isHostPath("/"+onHost) && !there["/"+onHost] {
			fail("%s is not among the files", f.Path())
		}
	}
}

func siteOfOverlay(f *artifact.File) string { return strings.Split(f.Path(), "/")[2] }

// applyEssentials are what the script must not lose, each with the reason.
var applyEssentials = []struct{ text, why string }{
	{"#!/bin/sh\n", "it is read by sh"},
	{`nsenter -t 1 -m -u -i -n -p -- "$@" </dev/null`, "settings and modules are the machine's, and commands must not read the plan"},
	{`if cmp -s "$files/$1" "$target"; then return 0; fi`, "only what differs is written"},
	{`mv -f "$temp" "$target"`, "no reader may find half of a file"},
	{`chmod 0644 "$temp"`, "programs that are not root's read these files"},
	{`if [ "$(cat "$files/revision")" != "$MESHGEN_REVISION" ]; then`, "pods are to follow one another"},
	{"modules) on_host systemctl restart systemd-modules-load.service ;;", "a change is to be read"},
	{"sysctls) on_host systemctl restart systemd-sysctl.service ;;", "a change is to be read"},
	{`restart) on_host systemctl restart "$2" ;;`, "a change is to be read"},
	{`unit) on_host systemctl daemon-reload && on_host systemctl enable "$2" && on_host systemctl reload-or-restart "$2" ;;`, "a unit is to run now and after the next boot"},
	{`rm -f "$ready"`, "a pod that failed must not let the next one begin"},
}

func (p *pass) checkApplyScript(o *object) {
	at := fieldPath{"data", "apply.sh"}
	text := str(o.value, at...)
	for _, e := range applyEssentials {
		if !strings.Contains(text, e.text) {
			o.report(p, ruleHostForms, at, "the script lacks %q: %s", e.text, e.why)
		}
	}
}

// checkHostPods holds a DaemonSet against the group whose files it writes.
func (p *pass) checkHostPods(o *object, group, revision string) {
	pod := fieldPath{"spec", "template", "spec"}
	fail := func(at fieldPath, format string, args ...any) { o.report(p, ruleHostForms, at, format, args...) }
	spec := get(o.value, pod...)
	for field, want := range map[string]bool{"hostPID": true, "hostNetwork": true, "automountServiceAccountToken": false} {
		if v, ok := get(spec, field).(bool); !ok || v != want {
			fail(pod.to(field), "pods that write files of machines have %v here", want)
		}
	}
	if n, ok := integer(o.value, "spec", "updateStrategy", "rollingUpdate", "maxUnavailable"); !ok || n != 1 || str(o.value, "spec", "updateStrategy", "type") != "RollingUpdate" {
		fail(fieldPath{"spec", "updateStrategy"}, "a change does not go from machine to machine")
	}
	if t := list(spec, "tolerations"); len(t) != 1 || str(t[0], "operator") != "Exists" || str(t[0], "key") != "" || str(t[0], "effect") != "" {
		fail(pod.to("tolerations"), "not every taint is tolerated")
	}
	var on []string
	terms := list(spec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
	if len(terms) == 1 && len(dict(terms[0])) == 1 {
		if e := list(terms[0], "matchExpressions"); len(e) == 1 && str(e[0], "key") == "kubernetes.io/hostname" && str(e[0], "operator") == "In" {
			on = strs(e[0], "values")
		}
	}
	if members := p.inventory().folderMembers(group); len(on) == 0 || !slices.Equal(slices.Sorted(slices.Values(on)), slices.Sorted(slices.Values(members))) {
		fail(pod.to("affinity"), "the pods run on %s, and the machines of the group are %s", some(on, 4), some(members, 4))
	}
	containers := list(spec, "containers")
	if len(containers) != 1 {
		fail(pod.to("containers"), "one container writes the files")
		return
	}
	c := containers[0]
	if v, _ := get(c, "securityContext", "privileged").(bool); !v {
		fail(pod.to("containers"), "who enters the machine's namespaces is privileged")
	}
	if !slices.Equal(strs(c, "command"), []string{"/bin/sh", "/meshgen/script/apply.sh"}) {
		fail(pod.to("containers"), "it does not run the script")
	}
	if probe := strs(c, "readinessProbe", "exec", "command"); len(probe) != 3 || probe[2] != "test -e /meshgen/state/applied" {
		fail(pod.to("containers"), "the pod is not ready when, and only when, the files are in place")
	}
	env := map[string]string{}
	for _, e := range list(c, "env") {
		env[str(e, "name")] = str(e, "value")
	}
	if env["MESHGEN_REVISION"] != revision || env["MESHGEN_INTERVAL"] == "" || len(env) != 2 {
		fail(pod.to("containers"), "the environment is not the revision of the files, %s, and an interval", revision)
	}
	p.checkHostPodVolumes(o, group, spec, c)
}

func (p *pass) checkHostPodVolumes(o *object, group string, spec, container any) {
	have := map[string]string{}
	for _, v := range list(spec, "volumes") {
		what := fmt.Sprint(str(v, "configMap", "name"), str(v, "hostPath", "path"))
		if has(v, "emptyDir") {
			what = "empty"
		}
		have[str(v, "name")] = what
	}
	mounted := map[string]string{}
	for _, m := range list(container, "volumeMounts") {
		mounted[str(m, "mountPath")] = have[str(m, "name")]
	}
	for _, want := range [][2]string{{"/meshgen/script", "script"}, {"/meshgen/files", hostPodsPrefix + group}, {"/meshgen/state", "empty"}, {"/host", "/"}} {
		if mounted[want[0]] != want[1] {
			o.report(p, ruleHostForms, fieldPath{"spec", "template", "spec", "volumes"}, "%s is %q, and should be %q", want[0], mounted[want[0]], want[1])
		}
	}
}
