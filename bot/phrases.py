"""What the bot says. One catalogue; every line was read aloud."""

from __future__ import annotations

WELCOME = (
    "您好，我是{city}的网格小助手。\n"
    "身边有什么事要反映，直接发给我：打字、拍照、说话、发定位都行，不用填表。\n"
    "我会转给管这件事的人，有进展就告诉您。"
)
HOW_TO = (
    "直接说是什么事、在哪里就行，比如：\n"
    "“翠湖小区3栋楼下井盖坏了”\n"
    "也可以拍照、发语音、发定位。\n"
    "想看办到哪了，发“进度”；要催一下，发“催办”；报错了，发“撤回”。"
)
GREETING = "您好！有什么事要反映，直接说就行：是什么事，在哪里。想看办到哪了，发“进度”。"
INVITE = "好的，请说：是什么事，在哪里？照片、语音、定位也可以直接发。"
THANKS = "不客气，有事随时说。"
NOT_UNDERSTOOD = "这句我没看明白。要反映问题，请说是什么事、在哪里；想看进度，发“进度”。"
HUMAN = "您直接在这里说事情就行，派单员都会看到；急事请打 12345。"
ANONYMOUS = "可以放心说，不用留姓名和电话，办事的人看不到您是谁。"
CHAT = "我只会帮您反映身边的事：说一句是什么事、在哪里，我就转给管的人。"
NO_WORDS = "我没看懂这条。请用几个字说说是什么事、在哪里，也可以发照片或语音。"
CANNOT_TAKE = "这种消息我看不了。请用文字、照片、语音或定位告诉我：是什么事，在哪里？"

OPENED = "收到了，工单号 {number}。"
UNDERSTOOD = "这是“{category}”{place}。"
AT = "，地点：{place}"
UNSURE = "我还拿不太准是哪类事，先请派单员看一眼，{contact_by}前给您回话。"
PLACE_FIRST = "派单员{contact_by}前给您回话；知道在哪里，就能马上交给管的人。"
HELD = "已交给{holder}，{contact_by}前联系您。"
PLACE_MISSING = "请告诉我在哪里：小区和楼号，或路名和门牌；也可以发个定位。"
PLACE_ASSUMED = "您没说地点，我先按{place}记了；不对的话，请说一下在哪里。"
PLACE_VAGUE_ROAD = "“{place}”比较长，请再说一下几号，或者发个定位。"
PLACE_VAGUE = "“{place}”挺大的，请再说一下哪一栋，或者发个定位。"
PLACE_OUTSIDE = "这个位置好像不在我们区里，派单员会核对；您也可以再说说在哪里。"
ANYTHING_MORE = "有照片或要补充的，接着发就行。"
# Danger to life: whom to call, before anything else. The keys are those of `bot.emergency.Danger`.
DANGERS = {
    "self_harm": "请现在就打 120 和 110。要是您自己心里难受，打 12356，有人陪您说话，我们也在。",
    "gas": "先开窗，别开灯、别动电器，人到屋外再打 119！",
    "fire": "请马上打 119，人先撤到安全的地方！",
    "violence": "请马上打 110，先躲到安全的地方！",
    "missing": "请马上打 110 报警，不用等 24 小时！",
    "rescue": "请马上打 120，被困、落水同时打 119！",
}
DANGER_NOTED = "我们也已报给值守的人（工单 {number}），会马上联系您。"
DANGER_PLACE = "您在哪里？说个小区楼号，或者发个定位。"
DANGER = "人要是有危险，请马上打 110、119 或 120。"
MEDIA_ALONE = "{media}收到，工单号 {number}。请再说一句：是什么事，在哪里？"
PLACE_ALONE = "位置收到：{place}，工单号 {number}。请再说一句：是什么事？"
MEDIA_ADDED = "{media}已加到工单 {number}，还有就接着发。"
ADDED = "已补充到工单 {number}。"
PLACE_ADDED = "地点记下了：{place}。"
NEW_MATTER = "这像是另一件事，我另开了一单。"
MEDIA_NAMES = {"photo": "照片", "voice": "语音", "video": "视频"}

PROGRESS_NONE = "没查到您报过的事。要反映什么，直接说就行：是什么事，在哪里。"
PROGRESS_UNKNOWN = "没查到这个工单号。请核对一下数字，或发“进度”看您报过的事。"
PROGRESS_NEW = "派单员正在安排，{due}前给您回话。"
PROGRESS_ASSIGNED = "已交给{holder}，{due}前联系您。"
PROGRESS_ACCEPTED = "{holder}正在办，{due}前给您结果。"
PROGRESS_LATE = "在{holder}那里，已经过了说好的时间，对不住。要催一下，请发“催办”。"
PROGRESS_RESOLVED = "{holder}说：{result}\n请您看看解决了没有：回复 1 解决了，2 没解决。"
PROGRESS_CLOSED = "已办结。{holder}：{result}"
PROGRESS_REJECTED = "这件事这里办不了：{result}"
PROGRESS_WITHDRAWN = "您已经撤回了。"
PROGRESS_LINE = "工单 {number}“{title}”：\n{state}"
PROGRESS_MORE = "还有更早的，发工单号就能查。"
PAGE = '<a href="{address}">点这里看详情</a>'

URGED = "已替您催了{holder}（工单 {number}），{due}前给您回音。"
URGED_LATE = "已替您催了{holder}（工单 {number}）。拖了这么久，对不住。"
WITHDRAWN = "工单 {number} 已撤回。以后有事随时说。"
WHICH = "您有几件事在办，请告诉我工单号：\n{lines}"
WHICH_LINE = "{number} {title}"
NOTHING_OPEN = "您现在没有在办的事。"

ASK_RATING = "太好了，工单 {number} 办结了。\n请评个分：\n回复 1 满意\n回复 2 基本满意\n回复 3 不满意"
SENT_BACK = "明白了，工单 {number} 已退回{holder}重新办，{contact_by}前联系您。哪里没弄好，请说一句。"
SENT_BACK_WITH_WORDS = "明白了，工单 {number} 已退回{holder}重新办，{contact_by}前联系您。您说的也带过去了。"
MAYBE_WITHDRAW = "那太好了！要是不用再办了，回复“撤回”就行。"
NEXT_VERIFY = "还有一件：工单 {number}“{title}”，解决了没有？回复 1 解决了，2 没解决。"
RATE_AGAIN = "没太听明白。请评个分：1 满意，2 基本满意，3 不满意。"
RATED = "谢谢您的评价。"
RATED_BAD = "记下了，让您不满意，对不住。方便的话，说一句是为什么。"
WHY_NOTED = "您说的记下了，会有人看。"
VERIFY_AGAIN = "是解决了，还是没解决？回复 1 解决了，2 没解决。"

SCANNED = "您现在在{grid}。有什么事，直接说就行，不用再写地点。"
