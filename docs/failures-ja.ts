/** What `lambdas/domain/core/failures.ts` says, in Japanese: a name that is missing here does not compile. */
import type { FailureName } from '../lambdas/domain/core/errors.ts';

export const FAILURES_JA = {
  // 何も変更しないうち。
  InvalidInput: '実行の入力が、デプロイを開始できるものではない',
  ArtifactNotFound: 'アーティファクトのバケットに、そのオブジェクトまたはバージョンがない',
  ArtifactUnusable:
    'tarball が空か、アーカイブされているか、バージョンがないか、信頼できるチェックサムがない',
  NotProven: '先に稼働すべき場所で、そのバージョンのデプロイが成功したことの証明がない',
  ImageNotFound: 'フリートの条件に合う AMI がない',
  ImageUnusable:
    'AMI がこのフリートで使えない（アーキテクチャ、状態、ルートボリューム）か、非推奨になっている',
  LaunchTemplateUnusable:
    '指定された起動テンプレートがないか、そのバージョンがデプロイに必要な条件を満たしていない',
  MackerelKeyUnreadable: 'Mackerel の API キーを SSM パラメータから読み取れない',
  MackerelRefused: 'Mackerel が API キーまたはリクエストを拒否した',
  MackerelRoleUnknown: 'フリートのサービスまたはロールが Mackerel にない',
  LoadBalancerUnusable: 'フリートのロードバランサーがないか、フリートのサブネットでは使えない',
  SubnetUnusable: 'フリートのサブネットがないか、空きがないか、別の VPC にある',
  FleetWouldShrink: 'サービス中のホストが、フリートが起動する台数より多い',
  SnapshotContradicts: 'どのホストがサービス中かについて、Mackerel、EC2、ロードバランサーが食い違っている',
  UnlistedHostServes: 'フリートのタグが付いたインスタンスがサービス中なのに、Mackerel に登録されていない',
  MonitorUnusable: 'フリートが指定した監視ルールが、Mackerel にないか、ミュートされている',
  AlreadyAlerting: '判定に使う監視ルールか旧ホストのアラートが、Mackerel ですでに発生している',
  Frozen: 'フリートが凍結期間に入っている',
  OnHold: '誰かが理由を付けてフリートを保留にしている',
  OlderImage: 'フリートの条件に合う最新の AMI が、現在稼働中の AMI より古い',
  NothingToRollBackTo:
    'ロールバックで戻すリリースが、不明であるか、一度も稼働していないか、すでに稼働中である',
  NotTold:
    '続行または切り戻しを伝えようとしたデプロイが、実行中でないか、待っていないか、すでにその先へ進んでいる',
  // 旧ホストがサービスを続けている間：切り戻される。
  NoCapacity: 'ある AZ で、フリートのどのインスタンスタイプについても EC2 のキャパシティがない',
  LaunchRefused: 'EC2 が起動を拒否した（上限、権限、パラメータ）',
  NewHostDied: '新しいインスタンスがひとりでに停止または終了した',
  NewHostsNotReady: '新ホストが時間内に準備完了にならなかった',
  ReadinessLost: '準備完了だった新ホストが、そうではなくなった',
  DrainingStuck: 'ロードバランサーから旧ホストを切り離せなかった',
  AlertDuringBake: '新ホストか、判定に使う監視ルールのアラートが、Mackerel で発生した',
  HookFailed: 'フリートのフックが失敗したか、規約外の応答をしたか、時間内に成功しなかった',
  NotContinued: 'デプロイが一時停止し、時間内に誰も続行させなかった',
  WorseThanBefore: 'フリートが比較するメトリックで、新ホストが旧ホストより明らかに悪い',
  TerminationRefused: 'このデプロイでは終了できないインスタンスがある',
  Stopped: '実行が停止されたかタイムアウトし、クリーンアップによって切り戻された',
  Cancelled: '誰かがデプロイをキャンセルした',
  // 切り戻し中。
  OldHostsNotServing: '復帰させた旧ホストがサービス中になっていない',
  NewHostsNotRemoved: '新しいインスタンスを終了できなかったか、退役させられなかった',
  // 後戻りできない地点の後。
  OldHostsNotTerminated: '旧インスタンスが終了しなかった',
  // プロモーション中。
  CopyFailed:
    'アーティファクトをプロモーション先にコピーできなかったか、コピーがプロモーションすべきものと異なる',
  // どの段階でも。
  ServiceUnavailable:
    'Mackerel または AWS が応答しないか、スロットリングする状態が、リトライの続く時間より長く続いた',
  ServiceRefused: 'AWS がリクエストを拒否した（多くは権限の不足）',
  StepTimedOut: 'ステップの関数が制限時間に達した',
  StepCrashed: 'ステップの関数が応答せずに終わった',
  LockLost: '実行がフリートのロックをもう保持していない。フリートは別の実行が引き受けている',
  // 実行の終わり方。
  RolledBack: 'デプロイが失敗し、切り戻された。旧ホストがサービス中',
  RollbackFailed: 'デプロイが失敗し、切り戻しにも失敗した。人の対応が必要',
  StoppedHalfway: '後戻りできない地点の後でデプロイが失敗した。新ホストがサービス中で、人の対応が必要',
} as const satisfies Readonly<Record<FailureName, string>>;

const GROUPS: Readonly<Record<string, string>> = {
  'Before anything was changed': '何も変更しないうち',
  'While the old hosts still serve: undone': '旧ホストがサービスを続けている間：切り戻される',
  'While undoing': '切り戻し中',
  'After the point of no return': '後戻りできない地点の後',
  'While promoting': 'プロモーション中',
  Anywhere: 'どの段階でも',
  'How an execution ends': '実行の終わり方',
};

/** @param title as the comment above the group says it in `failures.ts`. */
export function groupTitleJa(title: string): string {
  const told = GROUPS[title];
  if (told === undefined) throw new Error(`docs/failures-ja.ts has no Japanese for the group "${title}".`);
  return told;
}
