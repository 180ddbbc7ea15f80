//! Steps by what they are to a reader.
//! <https://www.jenkins.io/doc/pipeline/steps/>

/// Blocks that only surround steps.
const AROUND: &str = "\
ansiColor any browserstack cache collect collectEntries configFileProvider container \
dependencyTrackWrapper docker.withServer docker.withTool dockerNode each eachWithIndex exws \
exwsAllocate gitlabBuilds gitlabCommitStatus gitStatusWrapper httpRequestWrapper jobcacher lastly \
logstash maskPasswords milestone node.withNode nodejs nvm openshift.withCluster \
openshift.withCredentials openshift.withProject parallelsAlwaysFailFast podTemplate publishChecks \
realtimeJUnit retry rtServer rvm sauce script steps stepsCatchError throttle times timestamps \
timingsOf tool tools waitUntil withAllureUpload withAnt withAWS withAWSParameterStore \
withAzureKeyvault withCache withChecks withContext withCoverityEnv withCoverityEnvironment \
withCredentialsWrapper withDatadog withDockerContainer withDockerRegistry withDockerServer \
withEnvironment withFolderProperties withGo withGradle withKubeConfig withKubeCredentials withMaven \
withNodejs withNPM withOtelEnv withPyenv withPythonEnv withRvm withSonarQubeEnv withSplunk \
withTestcontainers withVault withXvfb wrap ws xvfb";

/// Steps of Jenkins and of common plugins: what they do is said in the lexicon, or is nothing that is asked for.
const STEPS: &str = "\
acceptGitLabMR acsDeploy addBadge addGitLabMRComment addHtmlBadge addShortText allure anchore \
ansibleAdhoc ansiblePlaybook ansibleTower ansiColor any aqua archive archiveArtifacts assert \
awaitDeploymentCompletion awsCodeBuild azureCLI azureFunctionAppPublish azureWebAppPublish base64 \
bitbucketStatusNotify booleanParam browserstack build buildDescription buildDiscarder buildName call \
catchError cfnDelete cfnDescribe cfnUpdate cfnValidate changelog checkmarxASTScanner checkout \
checkstyle choice cifsPublisher cleanWs cobertura codeDeploy compareVersions copyArtifacts \
createDeployment createSummary cron crumb cucumber currentBuild datadog Date deleteDir \
dependencyCheck dependencyCheckAnalyzer dependencyCheckPublisher dependencyTrackPublisher deploy \
deployAPI dingtalk dingTalk discordSend discoverGitReferenceBuild docker dockerFingerprintFrom \
dockerFingerprintRun downloadArtifact dry echo ecrLogin ecsDeploy emailext emailextrecipients error \
evaluate fileExists findbugs findFiles fingerprint fortifyScan fortifyUpload ftpPublisher \
gatlingArchive gerritComment gerritReview getContext getDatabaseConnection git gitChangelog \
githubNotify gitLabConnection gitTag googlechatnotification googleStorageDownload googleStorageUpload \
hangoutsNotify hipchatSend httpRequest influxDbPublisher input invokeLambda ircNotify isStartedByUser \
isTriggeredByTimer isUnix jacoco jiraComment jiraIssueSelector jiraSendBuildInfo \
jiraSendDeploymentInfo jobDsl junit kubernetesApply kubernetesDeploy kubernetesEngineDeploy label \
lambdaDeploy library libraryResource load lock logParser mail manager mattermostSend milestone \
msbuild mstest nexusArtifactUploader nexusPolicyEvaluation nexusPublisher node nodeNames nodesByLabel \
none notifyBitbucket nunit octopusCreateRelease octopusDeployRelease octopusPack octopusPushPackage \
office365ConnectorSend openshiftBuild openshiftDeploy openshiftTag openshiftVerifyDeployment \
owaspDependencyCheck ownerOf parallel parameters password perfReport pipelineTriggers plot pmd \
pollSCM prependToFile print printf println prometheus properties publishCoverage \
publishCucumberReports publishGatling publishHTML publishIssues publishTestResults pullRequest pwd \
qualityGates readCSV readFile readJSON readManifest readMavenPom readProperties readTrusted readYaml \
recordCoverage recordIssues resolveScm robot rocketSend rtBuildInfo rtDockerPush rtDownload \
rtGradleRun rtMavenDeployer rtMavenResolver rtMavenRun rtNpmInstall rtNpmPublish rtPromote \
rtPublishBuildInfo rtServer rtUpload s3CopyArtifact s3Delete s3Download s3Upload scanForIssues scm \
script setCustomBuildProperty setGitHubPullRequestStatus sha1 sha256 slackSend slackUploadFile sleep \
snykSecurity sonar sprintf sshagent sshCommand sshGet sshPublisher sshPut sshRemove sshScript stage \
stash step steps string super svn tar tasks tee telegramSend telegramUploader testNG text this throw \
timeout tm tool touch triggerRemoteJob trivy unarchive unstable unstash untar unzip \
updateGitlabCommitStatus upload uploadArtifact uploadProgetPackage uploadToSonar \
validateDeclarativePipeline veracode verifySha1 verifySha256 vSphere waitForQualityGate warnError \
warnings wechat whitesourceScan withGit wrap writeFile writeJSON writeMavenPom writeYaml xrayScan \
xrayScanBuild xunit zapPublisher zip";

pub(super) fn is_around(name: &str) -> bool {
    holds(AROUND, name)
}

/// Whether a call is a step whose meaning does not lie outside the repository.
pub(super) fn is_step(name: &str) -> bool {
    holds(STEPS, name) || holds(AROUND, name) || name.starts_with("new ") || name.starts_with('@')
}

fn holds(words: &str, name: &str) -> bool {
    words.split_ascii_whitespace().any(|word| word == name)
}
