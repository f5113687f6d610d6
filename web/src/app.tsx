import { MantineProvider } from '@mantine/core';
import { I18nProvider } from '@lingui/react';
import { i18n } from '@lingui/core';
import { t } from '@lingui/core/macro';
import { QueryClientProvider } from '@tanstack/react-query';
import { setNonce } from 'get-nonce';
import { Component, lazy, Suspense, useEffect, useSyncExternalStore, type ReactNode } from 'react';
import { Redirect, Route, Switch, useLocation } from 'wouter';
import { useLostAt } from './api/connection';
import { client, useLock, useSession, useSetupNeeded } from './api/queries';
import { DevicesPage } from './pages/devices';
import { FindingsPage } from './pages/findings';
import { MorePage } from './pages/more';
import { NotFoundPage } from './pages/notfound';
import { SignInPage } from './pages/signin';
import { TodayPage } from './pages/today';
import { lockedFor } from './parts/idle';
import { Shell, useHome } from './parts/shell';
import { Failed, Loading } from './parts/states';
import { theme, variables } from './theme';

const LockedPage = lazy(() => import('./pages/locked'));
const SetUpPage = lazy(() => import('./pages/setup'));
const FindingPage = lazy(() => import('./pages/finding'));
const ResultsPage = lazy(() => import('./pages/results'));
const ResultPage = lazy(() => import('./pages/result'));
const DevicePage = lazy(() => import('./pages/device'));
const LedgerPage = lazy(() => import('./pages/ledger'));
const ImportPage = lazy(() => import('./pages/import'));
const VouchPage = lazy(() => import('./pages/vouch'));
const CertificatesPage = lazy(() => import('./pages/certificates'));
const DoorsPage = lazy(() => import('./pages/doors'));
const VisitPage = lazy(() => import('./pages/visit'));
const LinksPage = lazy(() => import('./pages/links'));
const LearnPage = lazy(() => import('./pages/learn'));
const CoursePage = lazy(() => import('./pages/course'));
const LessonPage = lazy(() => import('./pages/lesson'));
const ExamPage = lazy(() => import('./pages/exam'));
const PolicyPage = lazy(() => import('./pages/policy'));
const TrainingPage = lazy(() => import('./pages/training'));
const TrainingPersonPage = lazy(() => import('./pages/trainingperson'));
const PhishingPage = lazy(() => import('./pages/phishing'));
const CulturePage = lazy(() => import('./pages/culture'));
const VerifyPage = lazy(() => import('./pages/verify'));
const MethodsPage = lazy(() => import('./pages/methods'));
const LooksPage = lazy(() => import('./pages/looks'));
const PeoplePage = lazy(() => import('./pages/people'));
const PersonPage = lazy(() => import('./pages/person'));
const PeopleImportPage = lazy(() => import('./pages/peopleimport'));
const ActsPage = lazy(() => import('./pages/acts'));
const AccountPage = lazy(() => import('./pages/account'));
const FirstStepsPage = lazy(() => import('./pages/firststeps'));
const WorkPage = lazy(() => import('./pages/work'));
const ReportPage = lazy(() => import('./pages/report'));
const ReportDoor = lazy(() => import('./pages/reportdoor'));
const ReportsPage = lazy(() => import('./pages/reports'));
const MailPage = lazy(() => import('./pages/mail'));
const MailOnePage = lazy(() => import('./pages/mailone'));
const ReportOnePage = lazy(() => import('./pages/reportone'));

const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? '';
setNonce(nonce);

/** A page that fails to draw does not take the rail with it. */
class Guard extends Component<{ children: ReactNode; place: string }, { error: unknown; place: string }> {
    state = { error: null as unknown, place: this.props.place };
    static getDerivedStateFromError(error: unknown) {
        return { error };
    }
    static getDerivedStateFromProps(props: { place: string }, state: { place: string }) {
        return props.place === state.place ? null : { error: null, place: props.place };
    }
    render() {
        if (this.state.error !== null) {
            return <Failed what={t`this page`} error={this.state.error} again={() => this.setState({ error: null })} />;
        }
        return this.props.children;
    }
}

/** Where somebody begins, by role: Today, My work, or the first place of their rail. */
function HomePage() {
    const home = useHome();
    if (home === 'today') {
        return <TodayPage />;
    }
    return home === 'work' ? (
        <WorkPage />
    ) : (
        <Redirect to={home} replace />
    );
}

// Pages that a list leads to. They are fetched once the first page stands, so that they are there when the console is not.
const soon = [() => import('./pages/finding'), () => import('./pages/results'), () => import('./pages/result'), () => import('./pages/device')];

function Pages() {
    useEffect(() => {
        const fetching = setTimeout(() => void Promise.allSettled(soon.map((page) => page())), 2000);
        return () => clearTimeout(fetching);
    }, []);
    return (
        <Route path="*?">
            {(params) => (
                <Guard place={params['*'] ?? ''}>
                    <Suspense fallback={<Loading what={t`this page`} />}>
                        <Switch>
                            <Route path="/" component={HomePage} />
                            <Route path="/today" component={TodayPage} />
                            <Route path="/findings" component={FindingsPage} />
                            <Route path="/findings/:id">{({ id }) => <FindingPage key={id} id={id} />}</Route>
                            <Route path="/results" component={ResultsPage} />
                            <Route path="/results/:record">{({ record }) => <ResultPage key={record} record={record} />}</Route>
                            <Route path="/devices" component={DevicesPage} />
                            <Route path="/devices/import" component={ImportPage} />
                            <Route path="/devices/vouch" component={VouchPage} />
                            <Route path="/devices/:id">{({ id }) => <DevicePage key={id} id={id} />}</Route>
                            <Route path="/ledger" component={LedgerPage} />
                            <Route path="/certificates" component={CertificatesPage} />
                            <Route path="/doors" component={DoorsPage} />
                            <Route path="/visit" component={VisitPage} />
                            <Route path="/links" component={LinksPage} />
                            <Route path="/looks" component={LooksPage} />
                            <Route path="/learn" component={LearnPage} />
                            <Route path="/learn/:id">{({ id }) => <CoursePage key={id} id={id} />}</Route>
                            <Route path="/learn/policy/:id">{({ id }) => <PolicyPage key={id} id={id} />}</Route>
                            <Route path="/learn/:id/test">{({ id }) => <ExamPage key={id} id={id} />}</Route>
                            <Route path="/phishing">
                                <PhishingPage />
                            </Route>
                            <Route path="/phishing/:id">{({ id }) => <PhishingPage key={id} id={id} />}</Route>
                            <Route path="/culture" component={CulturePage} />
                            <Route path="/training" component={TrainingPage} />
                            <Route path="/training/:name">{({ name }) => <TrainingPersonPage key={name} name={name} />}</Route>
                            <Route path="/learn/:id/:number">{({ id, number }) => <LessonPage id={id} number={Number(number) - 1} />}</Route>
                            <Route path="/sign-in" component={MethodsPage} />
                            <Route path="/people" component={PeoplePage} />
                            <Route path="/people/import" component={PeopleImportPage} />
                            <Route path="/people/:name">{({ name }) => <PersonPage key={name} name={name} />}</Route>
                            <Route path="/acts" component={ActsPage} />
                            <Route path="/account" component={AccountPage} />
                            <Route path="/first-steps" component={FirstStepsPage} />
                            <Route path="/report" component={ReportPage} />
                            <Route path="/report/nameless">
                                <Redirect to="/report" replace />
                            </Route>
                            <Route path="/reports" component={ReportsPage} />
                            <Route path="/reports/:id">{({ id }) => <ReportOnePage key={id} id={id} />}</Route>
                            <Route path="/mail" component={MailPage} />
                            <Route path="/mail/:id">{({ id }) => <MailOnePage key={id} id={id} />}</Route>
                            <Route path="/more" component={MorePage} />
                            <Route component={NotFoundPage} />
                        </Switch>
                    </Suspense>
                </Guard>
            )}
        </Route>
    );
}

function Door() {
    const lock = useLock();
    const open = lock.data?.stage === 'open';
    const setup = useSetupNeeded(open);
    const session = useSession(open);
    const lost = useLostAt();
    const [here] = useLocation();
    if (lock.data !== undefined && !open) {
        return <LockedPage lock={lock.data} />;
    }
    if (session.data) {
        return (
            <Shell>
                <Pages />
            </Shell>
        );
    }
    if (lock.isPending || (open && (setup.isPending || session.isPending))) {
        return null;
    }
    if (lock.isError || setup.isError || session.isError || lost) {
        return (
            <main className="door">
                <div className="door-box">
                    <Failed
                        what="Tourniquet"
                        error={lock.error ?? setup.error ?? session.error}
                        again={() => {
                            void lock.refetch();
                            void setup.refetch();
                            void session.refetch();
                        }}
                    />
                </div>
            </main>
        );
    }
    if (setup.data?.needed) {
        return <SetUpPage />;
    }
    return here === '/report/nameless' || (here === '/report' && lockedFor() === null) ? (
        <ReportDoor />
    ) : (
        <SignInPage />
    );
}

export function App() {
    // A change of language draws everything anew: words are looked up while drawing.
    const locale = useSyncExternalStore(
        (l) => i18n.on('change', l),
        () => i18n.locale,
    );
    return (
        <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto" getStyleNonce={() => nonce}>
            <QueryClientProvider client={client}>
                <I18nProvider i18n={i18n} key={locale}>
                    <Suspense fallback={null}>{window.location.pathname === '/verify' ? <VerifyPage /> : <Door />}</Suspense>
                </I18nProvider>
            </QueryClientProvider>
        </MantineProvider>
    );
}
