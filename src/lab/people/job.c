#include "lab/people/job.h"

static const struct {
    const char *name;
    bool needs_end;
} roles[JOB_COUNT] = {
    [JOB_LOCAL] = {"local administrator", false}, [JOB_MANAGER] = {"lab manager", false},
    [JOB_PRIVACY] = {"privacy officer", false},   [JOB_IT] = {"IT", false},
    [JOB_TECHNOLOGIST] = {"technologist", false}, [JOB_PHLEBOTOMIST] = {"phlebotomist", false},
    [JOB_DESK] = {"front desk", false},           [JOB_AUDITOR] = {"auditor", false},
    [JOB_ASSESSOR] = {"assessor", true},          [JOB_ENGINEER] = {"maker's engineer", true},
    [JOB_EMERGENCY] = {"emergency", false},
};

#define TOKEN true
#define NO_TOKEN false /* what shows patients' data or gives power over others needs a person at the other end */

/* One letter a role, in the order of enum job: Local administrator, lab Manager, Privacy officer, IT, Technologist, Phlebotomist, front Desk, auditor
 * (U), assessor (S), maker's Engineer, emergency (!). "." is no. */
static const struct {
    const char *name;
    const char *who;
    bool token;
    const char *what;
} permissions[] = {
    /*                      LMPITBDUSE! */
    {"today.read", "LMPIT..U..!", TOKEN, "see what needs somebody now"},
    {"device.read", "LMPIT..US.!", TOKEN, "see devices and who talks to whom"},
    {"device.name", "LM.I......!", TOKEN, "name a device"},
    {"device.edit", "LM.I......!", TOKEN, "say what a device is"},
    {"device.import", "LM.I......!", TOKEN, "read devices from a list"},
    {"device.admit", "LM.I......!", NO_TOKEN, "vouch for devices, refuse them"},
    {"result.read", "LMPIT.....!", TOKEN, "see results and messages, without what is hidden in them"},
    {"finding.read", "LMPIT..US.!", TOKEN, "see findings"},
    {"finding.decide", "LM.I......!", TOKEN, "take, give back, dismiss and reopen findings"},
    {"phi.look", "LM..T.....!", NO_TOKEN, "be shown what is hidden, each time for a reason that is recorded"},
    {"looks.read", "LMP....US.!", TOKEN, "see who was shown what"},
    {"ledger.read", "LMPI...US.!", TOKEN, "see the ledger, and have its proofs"},
    {"ledger.verify", "LMPI...US.!", TOKEN, "have the ledger checked"},
    {"ledger.witness", "LM.I......!", TOKEN, "ask witnesses, and bring what they cosigned"},
    {"keys.read", "LMPI...US.!", TOKEN, "see how the ledger's keys are kept"},
    {"keys.manage", "L.P........", NO_TOKEN, "rotate the ledger's keys, erase a patient's records, make a recovery key"},
    {"backup.read", "LM.I...US.!", TOKEN, "see backups and the disk"},
    {"backup.manage", "LM.I......!", TOKEN, "make and test backups"},
    {"certificate.read", "LM.I...US.!", TOKEN, "see certificates of links"},
    {"certificate.manage", "LM.I......!", NO_TOKEN, "make, replace and revoke certificates of links"},
    {"links.read", "LM.I...US.!", TOKEN, "see links"},
    {"links.bypass", "LM.I......!", NO_TOKEN, "let messages pass a link unjudged"},
    {"links.manage", "LM.I......!", NO_TOKEN, "hold links, approve their policies"},
    {"doors.read", "LM.I...USE!", TOKEN, "see doors of makers' engineers: one's own"},
    {"visits.read", "LM.I...US.!", TOKEN, "see everybody's doors"},
    {"doors.ask", "L........E.", NO_TOKEN, "ask for a door to a device of one's maker"},
    {"doors.approve", "LM........!", NO_TOKEN, "open a door, or refuse it"},
    {"doors.close", "LM.I.....E!", NO_TOKEN, "close a door at once; without visits.read one's own"},
    {"recovery.manage", "LM.I......!", NO_TOKEN, "let somebody in again who has lost every way to sign in; two people do it together"},
    {"metrics.read", "LM.IT..U..!", TOKEN, "read counters"},
    {"people.read", "LMPI...US.!", TOKEN, "see who has an account, and which roles"},
    {"people.manage", "LM.........", NO_TOKEN, "invite people, give and take roles, close accounts"},
    {"training.read", "LMP....US..", TOKEN, "see who has to learn what, and who has done it"},
    {"training.manage", "LMP........", NO_TOKEN, "assign training, record classes, remind people"},
    {"phishing.read", "LMPI...US..", TOKEN, "see phishing simulations, as counts"},
    {"phishing.manage", "LMPI.......", NO_TOKEN, "plan phishing simulations, and stop them"},
    {"acts.read", "LMP....US.!", TOKEN, "see who did what"},
    {"report.handle", "LMPI......!", NO_TOKEN, "see what people report, and answer them"},
    {"mail.decide", "LM.I......!", NO_TOKEN, "see mails that people report, look into them, decide about them"},
};

const char *job_name(enum job r)
{
    return (unsigned)r < JOB_COUNT ? roles[r].name : "";
}

bool job_find(struct span name, enum job *ret)
{
    for (int r = 0; r < JOB_COUNT; r++)
        if (span_is(name, roles[r].name)) {
            *ret = (enum job)r;
            return true;
        }
    return false;
}

bool job_needs_end(enum job r)
{
    return (unsigned)r < JOB_COUNT && roles[r].needs_end;
}

size_t permission_count(void)
{
    return sizeof permissions / sizeof permissions[0];
}

struct permission permission_at(size_t i)
{
    struct permission p = {.name = permissions[i].name, .what = permissions[i].what, .token = permissions[i].token};
    for (int r = 0; r < JOB_COUNT; r++)
        if (permissions[i].who[r] != '.')
            p.roles |= JOB_BIT(r);
    return p;
}

enum job job_giving(unsigned set, const char *permission)
{
    for (size_t i = 0; i < permission_count(); i++) {
        struct permission p = permission_at(i);
        if (strcmp(p.name, permission) != 0)
            continue;
        for (int r = 0; r < JOB_COUNT; r++)
            if ((set & p.roles & JOB_BIT(r)) != 0)
                return (enum job)r;
    }
    return JOB_COUNT;
}

bool jobs_manage(unsigned set)
{
    static const char manage[] = ".manage";
    for (size_t i = 0; i < permission_count(); i++) {
        struct permission p = permission_at(i);
        size_t n = strlen(p.name);
        if ((set & p.roles) != 0 && n > sizeof manage - 1 && strcmp(p.name + n - (sizeof manage - 1), manage) == 0)
            return true;
    }
    return false;
}

bool jobs_may(unsigned set, const char *permission)
{
    return job_giving(set, permission) != JOB_COUNT;
}
